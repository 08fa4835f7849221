import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startStack } from './start-stack.js';
import { defaultDataDir } from './workspace-root.js';

/** `npm run stack`: starts everything, says so in one line on standard output, and stays. */
const { values } = parseArgs({
  options: {
    runners: { type: 'string', default: '1' },
    'max-parallel': { type: 'string', default: '4' },
    'data-dir': { type: 'string', default: defaultDataDir },
    'llm-script': { type: 'string' },
  },
});

const tell = (line: string) => void process.stderr.write(`${line}\n`);
const positive = (name: 'runners' | 'max-parallel') => {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number > 0) return number;
  tell(`stack: --${name} must be a whole number above 0, not "${values[name]}"`);
  process.exit(2);
};

const starting = startStack(
  {
    runners: positive('runners'),
    maxParallel: positive('max-parallel'),
    dataDir: resolve(values['data-dir']),
    ...(values['llm-script'] && { llmScript: resolve(values['llm-script']) }),
  },
  tell,
);
const stop = () => {
  void starting.then((stack) => stack.stop()).then(() => process.exit(0));
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
try {
  const { ready } = await starting;
  process.stdout.write(`${JSON.stringify(ready)}\n`);
} catch (error) {
  tell(`stack: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
