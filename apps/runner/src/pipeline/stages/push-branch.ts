import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunnerError } from '@necrocode/contracts';
import { pushCommit, restoreBundle } from '@necrocode/workspace';
import type { ArtifactStore, DecidedCommit } from '../ports.js';
import { retryGit } from '../retry-git.js';
import type { Workspace } from './prepare-workspace.js';

/**
 * Pushes exactly the decided commit, to its branch, over nothing but what the task itself put there.
 * "Pushed" is what the remote says.
 *
 * @throws RunnerError branch_conflict, push_rejected, repo_auth_failed; push_failed after all tries
 */
export async function pushBranch(
  workspace: Workspace,
  decided: DecidedCommit,
  tries: number,
  signal: AbortSignal,
): Promise<void> {
  const { git, url, workCommit } = workspace;
  const { commit, branch } = decided;
  const request = { commit, branch, expected: workCommit };
  const outcome = await retryGit(() => pushCommit(git, url, request), signal, tries);
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
