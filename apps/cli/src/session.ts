import type { Endpoints } from './endpoints.js';
import type { Terminal } from './show/terminal.js';

/** What every command works with. */
export interface Session {
  readonly endpoints: Endpoints;
  /** For programs that a command starts. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
  /** Standard input, for `submit -`. */
  readonly input: AsyncIterable<string | Uint8Array>;
}

/** 0 on success alone. */
export type ExitCode = 0 | 1 | 2;
