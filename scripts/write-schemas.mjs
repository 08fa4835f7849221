// Publishes the zod schemas as JSON Schema in docs/schemas; with --check only tells whether they are current.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { answerSchema, taskEventSchema, taskResultSchema, taskSchema } from '@necrocode/contracts';

const folder = resolve(import.meta.dirname, '../docs/schemas');
const schemas = {
  task: [taskSchema, 'A task, as published to necrocode.tasks.<queue>.<priority>'],
  'task-result': [taskResultSchema, 'How a run ended, as published to necrocode.results.<spec>.<task-id>'],
  'task-event': [taskEventSchema, 'An event, as published to necrocode.events.<type>.<spec>.<task-id>'],
  answer: [answerSchema, 'What the LLM answers'],
};

mkdirSync(folder, { recursive: true });
let stale = 0;
for (const [name, [schema, description]] of Object.entries(schemas)) {
  const file = join(folder, `${name}.schema.json`);
  const document = { ...z.toJSONSchema(schema, { io: 'input' }), title: name, description };
  const text = `${JSON.stringify(document, null, 2)}\n`;
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
  if (process.argv.includes('--check')) {
    console.error(`${file} is not current: run "npm run schemas"`);
    stale += 1;
  } else {
    writeFileSync(file, text);
    console.log(`wrote docs/schemas/${name}.schema.json`);
  }
}
process.exitCode = stale > 0 ? 1 : 0;
