import { tipOfRemote } from '@necrocode/workspace';
import type { DecidedCommit } from '../ports.js';
import { retryGit } from '../retry-git.js';
import type { Workspace } from './prepare-workspace.js';

/** What the remote says of a push; `unknown` when it could not be asked. */
export type PushProof = 'pushed' | 'not_pushed' | 'unknown';

/** A remote may go on with what it was sent after nobody listens any more. */
export const notThereWhenAsked =
  'a push ended unclear; the remote did not have the commit when it was asked afterwards';

const tries = 3;

/**
 * Whether the remote has the decided commit, asked after a push that ended unclear: what it has accepted
 * counts.
 *
 * @param patienceMs how long a remote that is away is asked
 */
export async function confirmPush(
  { remoteGit, url }: Workspace,
  { branch, commit }: DecidedCommit,
  patienceMs: number,
): Promise<PushProof> {
  const until = AbortSignal.timeout(patienceMs);
  const git = remoteGit(until);
  try {
    const tip = await retryGit(() => tipOfRemote(git, url, branch), { tries, patienceMs }, until);
    return tip === commit ? 'pushed' : 'not_pushed';
  } catch {
    return 'unknown';
  }
}
