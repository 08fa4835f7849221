import { tipOfRemote } from '@necrocode/workspace';
import type { DecidedCommit } from '../ports.js';
import type { Workspace } from './prepare-workspace.js';

/**
 * Whether the remote has the decided commit, asked after a push that was interrupted: what it has accepted
 * counts. A remote that does not answer in time has not.
 */
export async function confirmPush(
  { remoteGit, url }: Workspace,
  { branch, commit }: DecidedCommit,
  atMostMs: number,
): Promise<boolean> {
  try {
    return (await tipOfRemote(remoteGit(AbortSignal.timeout(atMostMs)), url, branch)) === commit;
  } catch {
    return false;
  }
}
