import { readFile } from 'node:fs/promises';
import { parseTask, type Problem, type Task } from '@necrocode/contracts';
import { CommandRefused } from './command-refused.js';

/**
 * Reads and validates the task in a file.
 *
 * @param file path; `-` for what comes in on `input`
 * @throws CommandRefused that names every problem, one on a line
 */
export async function readTaskFile(file: string, input: AsyncIterable<string | Uint8Array>): Promise<Task> {
  const name = file === '-' ? 'standard input' : file;
  const parsed = parseTask(file === '-' ? await readAll(input) : await readBytes(file));
  switch (parsed.kind) {
    case 'task':
      return parsed.task;
    case 'newer':
      throw new CommandRefused(
        `${name}: schema_version ${parsed.schemaVersion} is newer than this necro knows`,
        2,
      );
    case 'invalid':
      throw new CommandRefused(listProblems(name, parsed.problems), 2);
  }
}

function listProblems(name: string, problems: readonly Problem[]): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const width = Math.max(...problems.map(({ field }) => field.length));
  const lines = problems.map(({ field, problem }) => `  ${field.padEnd(width)}  ${problem}`);
  return [`${name} is not a valid task (${count}), nothing was published`, ...lines].join('\n');
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code ?? 'unknown reason'})`;
    throw new CommandRefused(`${file}: ${reason}`, 2);
  }
}

async function readAll(input: AsyncIterable<string | Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return Buffer.concat(chunks);
}
