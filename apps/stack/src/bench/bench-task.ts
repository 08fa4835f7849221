import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseTask, type Task } from '@necrocode/contracts';
import { publishFolder } from '../plain-git.js';

/** Makes a bare repository with some text files below `work`. Returns its path. */
export function makeRemote(work: string, files: number): string {
  const project = join(work, 'project');
  const remote = join(work, 'remote.git');
  mkdirSync(project);
  for (let number = 1; number <= files; number += 1) {
    writeFileSync(join(project, `file-${number}.txt`), `file ${number}\n`.repeat(50));
  }
  publishFolder(project, remote);
  return remote;
}

/** Writes a script with which the bundled LLM answers every task with one changed file. Returns its path. */
export function writeLlmScript(work: string): string {
  const script = join(work, 'llm.json');
  const change = { file_path: 'file-1.txt', operation: 'modify', content: 'changed by the task\n' };
  writeFileSync(script, JSON.stringify({ tasks: {}, default: [{ answer: { code_changes: [change] } }] }));
  return script;
}

/** A task whose commands cost nothing. */
export function taskFor(remote: string, id: number | string): Task {
  const document = {
    spec_name: 'bench',
    task_id: String(id),
    title: 'Change one file',
    description: 'file-1.txt says something else.',
    repo_url: remote,
    test_commands: ['true'],
    setup_commands: [],
  };
  const parsed = parseTask(JSON.stringify(document));
  if (parsed.kind !== 'task') throw new Error('the benchmark’s task is not valid');
  return parsed.task;
}
