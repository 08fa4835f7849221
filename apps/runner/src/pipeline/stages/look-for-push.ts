import { dirname } from 'node:path';
import { RunnerError, type Task } from '@necrocode/contracts';
import { checkRepoUrl, Git, tipOfRemote } from '@necrocode/workspace';
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
  const allowed = checkRepoUrl(task.repo_url, settings);
  if (allowed.kind === 'refused') throw new RunnerError('repo_not_allowed', `repo_url: ${allowed.problem}`);
  const { url, protocols } = allowed;
  const askpass = await openAskpass(url, dirname(workTree), settings.token);
  try {
    const git = new Git({ workTree, gitDir }, { protocols, credentials: askpass?.env, signal });
    return (await retryGit(() => tipOfRemote(git, url, branch), signal)) === commit;
  } finally {
    await askpass?.remove();
  }
}
