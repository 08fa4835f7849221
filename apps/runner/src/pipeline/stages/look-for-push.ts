import type { Task } from '@necrocode/contracts';
import { Git, tipOfRemote } from '@necrocode/workspace';
import { checkDestination } from '../check-destination.js';
import { openAskpass } from '../open-askpass.js';
import type { DecidedCommit, Slot } from '../ports.js';
import { retryGit } from '../retry-git.js';
import type { GitSettings } from './prepare-workspace.js';

/**
 * Whether the remote has the commit that an earlier attempt decided. Nothing is fetched and nothing pushed.
 *
 * @throws RunnerError when the remote cannot be asked
 */
export async function lookForPush(
  task: Task,
  { workTree, gitDir }: Slot,
  { branch, commit }: DecidedCommit,
  settings: GitSettings,
  signal: AbortSignal,
): Promise<boolean> {
  const { url, protocols } = checkDestination(task, settings);
  const askpass = await openAskpass(url, settings.credentialsDir, settings);
  try {
    const git = new Git({ workTree, gitDir }, { protocols, credentials: askpass?.env, signal });
    return (await retryGit(() => tipOfRemote(git, url, branch), settings.retries, signal)) === commit;
  } finally {
    await askpass?.remove();
  }
}
