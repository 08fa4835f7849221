import { formatProblems, problemsOf } from '@necrocode/contracts';
import { z } from 'zod';

export interface SandboxServerSettings {
  readonly socket: string;
  readonly rooms: string;
  readonly network: boolean;
  readonly identities: { readonly first: number; readonly count: number };
  readonly logLevel: string;
}

/**
 * Reads the settings, the only place of this program that knows the environment.
 *
 * @throws Error that names every problem, without the values
 */
export function readSettings(environment: NodeJS.ProcessEnv): SandboxServerSettings {
  const parsed = variables.safeParse(environment);
  if (!parsed.success) throw new Error(`bad settings: ${formatProblems(problemsOf(parsed.error))}`);
  const { SANDBOX_SOCKET, SANDBOX_ROOMS, SANDBOX_NETWORK, SANDBOX_FIRST_UID, SANDBOX_UIDS, LOG_LEVEL } =
    parsed.data;
  return {
    socket: SANDBOX_SOCKET,
    rooms: SANDBOX_ROOMS,
    network: SANDBOX_NETWORK === '1',
    identities: { first: SANDBOX_FIRST_UID, count: SANDBOX_UIDS },
    logLevel: LOG_LEVEL,
  };
}

const absolute = z.string().startsWith('/', 'must be an absolute path');

const variables = z.object({
  SANDBOX_SOCKET: absolute.default('/run/necrocode/sandbox.sock'),
  SANDBOX_ROOMS: absolute.default('/rooms'),
  /** 1: commands may reach whatever the container reaches. Set for the server that runs setup commands. */
  SANDBOX_NETWORK: z.enum(['0', '1'], 'must be 0 or 1').default('0'),
  SANDBOX_FIRST_UID: z.coerce.number().int().min(1_001).max(60_000).default(20_001),
  SANDBOX_UIDS: z.coerce.number().int().min(1).max(4_096).default(256),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});
