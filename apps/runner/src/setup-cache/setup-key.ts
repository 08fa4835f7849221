import { createHash } from 'node:crypto';
import type { SetupSubject } from '../pipeline/ports.js';
import { seenAt } from '../pipeline/command-places.js';
import { setupInputs, type SetupInputs } from './setup-inputs.js';

export interface SetupKey {
  /** 64 hex digits. */
  readonly key: string;
  readonly mode: SetupInputs['mode'];
}

/** Changes when what lies in the cache would not be understood any more. */
const layout = 1;

/**
 * Holds everything that the result of a setup depends on.
 *
 * @param toolchain what `toolchainIdentity` of the sandbox tells
 * @param hosts the hosts that setup may reach
 */
export async function setupKey(
  { url, commands, tree }: SetupSubject,
  toolchain: string,
  hosts: readonly string[],
): Promise<SetupKey> {
  const { mode, digest } = await setupInputs(commands, tree);
  const parts = { layout, url, commands, mode, digest, toolchain, hosts: [...hosts].sort(), seenAt };
  return { key: createHash('sha256').update(JSON.stringify(parts)).digest('hex'), mode };
}
