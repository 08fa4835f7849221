import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { branchOf, type Task } from '@necrocode/contracts';
import {
  BaseTree,
  createSlotDirectory,
  fetchCommit,
  Git,
  lookAtRemote,
  type RemoteView,
} from '@necrocode/workspace';
import { checkDestination } from '../pipeline/check-destination.js';
import { openAskpass } from '../pipeline/open-askpass.js';
import type { GitSettings } from '../pipeline/stages/prepare-workspace.js';

/** A task's base commit, in a temporary directory of its own. */
export interface OpenBase extends AsyncDisposable {
  readonly remote: RemoteView;
  readonly tree: BaseTree;
}

/**
 * Fetches the base of a task, without its history and without checking it out. The remote is only read.
 *
 * @throws RunnerError repo_not_allowed, branch_not_allowed, repo_unreachable, repo_auth_failed, base_branch_missing, git_failed;
 *   the signal's reason when it aborts. Nothing is left on disk then.
 */
export async function openBase(task: Task, settings: GitSettings, signal: AbortSignal): Promise<OpenBase> {
  const { url, protocols } = checkDestination(task, settings);
  const directory = await mkdtemp(join(tmpdir(), 'necrocode-preview-'));
  // Helpers of git that was just ended may still write for a moment.
  const close = () => rm(directory, { recursive: true, force: true, maxRetries: 10 });
  try {
    const askpass = await openAskpass(url, directory, settings);
    const options = { protocols, credentials: askpass?.env, signal };
    const entrance = new Git(await createSlotDirectory({ directory: join(directory, 'entrance') }), options);
    const remote = await lookAtRemote(entrance, url, {
      baseBranch: task.base_branch,
      branch: branchOf(task),
    });
    const { baseCommit: commit, baseBranch: branch } = remote;
    const objectFormat = commit.length === 64 ? 'sha256' : 'sha1';
    const place = await createSlotDirectory({ directory: join(directory, 'base'), objectFormat });
    const git = new Git(place, options);
    await fetchCommit(git, url, { commit, branch, depth: 1 });
    return { remote, tree: await BaseTree.load(git, commit), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}
