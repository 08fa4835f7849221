import { Readable } from 'node:stream';
import { runNecro } from './program.js';
import type { Terminal } from './show/terminal.js';

/** A terminal that remembers, for specs. */
export class SpecTerminal implements Terminal {
  readonly interactive = false;
  out = '';
  notes = '';

  print(text: string): void {
    this.out += `${text}\n`;
  }

  write(content: Uint8Array | string): Promise<void> {
    this.out += Buffer.from(content).toString();
    return Promise.resolve();
  }

  note(text: string): void {
    this.notes += `${text}\n`;
  }
}

export interface Ran {
  readonly exitCode: number;
  readonly out: string;
  readonly notes: string;
  /** What was printed, as JSON. */
  json(): unknown;
}

/** Runs one command line of `necro` in this process. */
export async function necro(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  options: { readonly directory?: string; readonly input?: string; readonly terminal?: SpecTerminal } = {},
): Promise<Ran> {
  const terminal = options.terminal ?? new SpecTerminal();
  const exitCode = await runNecro(words, {
    environment,
    directory: options.directory ?? '/',
    terminal,
    input: Readable.from([options.input ?? '']),
  });
  const { out, notes } = terminal;
  return { exitCode, out, notes, json: () => JSON.parse(out) as unknown };
}
