import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunnerError } from '@necrocode/contracts';
import { pushCommit, restoreBundle } from '@necrocode/workspace';
import type { AttemptRecord } from '../attempt-record.js';
import type { ArtifactStore, DecidedCommit } from '../ports.js';
import { retryGit, type GitRetries } from '../retry-git.js';
import type { Workspace } from './prepare-workspace.js';

/**
 * Pushes exactly the decided commit, to its branch, over nothing but what the task itself put there.
 * "Pushed" is what the remote says.
 *
 * @param record is told while it is not clear whether the remote has the commit, also when this throws
 * @throws RunnerError branch_conflict, push_rejected, repo_auth_failed; push_failed after all tries
 */
export async function pushBranch(
  workspace: Workspace,
  decided: DecidedCommit,
  record: Pick<AttemptRecord, 'pushUnclear'>,
  retries: GitRetries,
  signal: AbortSignal,
): Promise<void> {
  const { git, url, workCommit } = workspace;
  const { commit, branch } = decided;
  const request = { commit, branch, expected: workCommit };
  const tryOnce = async () => {
    const unclearBefore = record.pushUnclear;
    record.pushUnclear = true;
    try {
      return await pushCommit(git, url, request);
    } catch (error) {
      if (beforePushing.has(RunnerError.from(error).code)) record.pushUnclear = unclearBefore;
      throw error;
    }
  };
  const outcome = await retryGit(tryOnce, retries, signal);
  // All of these are what the remote itself said.
  record.pushUnclear = false;
  switch (outcome.kind) {
    case 'pushed':
    case 'already_there':
      return;
    case 'conflict':
      throw new RunnerError(
        'branch_conflict',
        `the branch ${branch} was given ${outcome.holds?.slice(0, 12) ?? 'nothing'} by somebody else meanwhile; it was left alone`,
      );
    case 'rejected_by_remote':
      throw new RunnerError('push_rejected', `the remote refused the push: ${outcome.reason}`);
  }
}

/** What a remote says before it takes anything. */
const beforePushing: ReadonlySet<string> = new Set(['repo_auth_failed', 'repo_not_allowed']);

/** Brings in the commit that is to be pushed, where this attempt has not made it itself. */
export async function fetchDecided(
  { git }: Workspace,
  decided: DecidedCommit,
  store: ArtifactStore,
): Promise<void> {
  if (!decided.byEarlierAttempt) return;
  const file = join(git.place.gitDir, 'decided-before.bundle');
  await writeFile(file, await store.download(decided.bundleUri));
  await restoreBundle(git, file);
}
