import { branchOf, RunnerError, type Task } from '@necrocode/contracts';
import {
  BaseTree,
  checkoutBase,
  fetchCommit,
  Git,
  GitDirSeal,
  lookAtRemote,
  type Askpass,
} from '@necrocode/workspace';
import type { Slot } from '../ports.js';
import { checkDestination } from '../check-destination.js';
import { openAskpass, type TokenSettings } from '../open-askpass.js';
import { retryGit, type GitRetries } from '../retry-git.js';

export interface GitSettings extends TokenSettings {
  readonly protocols: readonly string[];
  readonly httpHosts: readonly string[];
  /** Patterns of the hosts that repositories may be on. */
  readonly hosts: readonly string[];
  /** Patterns of the branches that may be pushed. */
  readonly branches: readonly string[];
  /** Where tokens lie while a task runs: of this process alone, and out of sight of its commands. */
  readonly credentialsDir: string;
  readonly retries: GitRetries;
}

/** A slot that is at the task's base commit, on the task's branch. */
export interface Workspace {
  readonly git: Git;
  /** The same without the work's signal, for what is done after its end. */
  readonly graceGit: Git;
  /** With credentials, under a signal of its own. */
  readonly remoteGit: (signal: AbortSignal) => Git;
  readonly url: string;
  readonly workTree: string;
  readonly base: string;
  readonly branch: string;
  /** What the work branch holds at the remote; undefined when it does not exist. */
  readonly workCommit: string | undefined;
  readonly tree: BaseTree;
  /** Removes the credentials. */
  close(): Promise<void>;
}

/** Has later attempts use the same base. */
export type Pin = (base: string) => Promise<void>;

interface Pinned {
  /** The base of an earlier attempt, which this one must use as well. */
  readonly base: string | null;
  /** Commits of this task that the branch may hold already. */
  readonly ownCommits: readonly string[];
}

/**
 * Brings the slot to the remote's base, or to the base that an earlier attempt pinned.
 *
 * @throws RunnerError repo_not_allowed, branch_not_allowed, repo_unreachable, repo_auth_failed, base_branch_missing,
 *   branch_conflict when the branch holds somebody else's work
 */
export async function prepareWorkspace(
  task: Task,
  slot: Slot,
  pinned: Pinned,
  settings: GitSettings,
  pin: Pin,
  signal: AbortSignal,
): Promise<Workspace> {
  const allowed = checkDestination(task, settings);
  const askpass = await openAskpass(allowed.url, settings.credentialsDir, settings);
  try {
    return await openWorkspace(task, slot, pinned, {
      ...allowed,
      askpass,
      pin,
      retries: settings.retries,
      signal,
    });
  } catch (error) {
    await askpass?.remove();
    throw error;
  }
}

interface Access {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly askpass: Askpass | undefined;
  readonly pin: Pin;
  readonly retries: GitRetries;
  readonly signal: AbortSignal;
}

async function openWorkspace(task: Task, slot: Slot, pinned: Pinned, access: Access): Promise<Workspace> {
  const { url, protocols, askpass, pin, retries, signal } = access;
  const { workTree, gitDir } = slot;
  const credentials = askpass?.env;
  // No command of the task has run yet: this is what the pool made.
  const seal = GitDirSeal.take(gitDir);
  const remoteGit = (until: AbortSignal) =>
    new Git({ workTree, gitDir }, { protocols, credentials, signal: until, seal });
  const git = remoteGit(signal);
  const graceGit = new Git({ workTree, gitDir }, { protocols, seal });
  const branch = branchOf(task);
  const remote = await retryGit(
    () => lookAtRemote(git, url, { baseBranch: task.base_branch, branch }),
    retries,
    signal,
  );
  const { workCommit } = remote;
  if (workCommit !== undefined && !pinned.ownCommits.includes(workCommit)) {
    throw new RunnerError(
      'branch_conflict',
      `the branch ${branch} exists at the remote and holds ${workCommit.slice(0, 12)}, which is not this task's work; ` +
        'delete it, or give the task another branch_name',
    );
  }
  const base = pinned.base ?? remote.baseCommit;
  // What is checked out need not be looked for.
  if (base !== slot.commit) {
    await retryGit(() => fetchCommit(git, url, { commit: base, branch: remote.baseBranch }), retries, signal);
  }
  const [tree] = await Promise.all([
    BaseTree.load(git, base),
    checkoutBase(git, { commit: base, branch, untouchedAt: slot.commit }),
    pinned.base === null ? pin(base) : undefined,
  ]);
  const close = async () => askpass?.remove();
  return { git, graceGit, remoteGit, url, workTree, base, branch, workCommit, tree, close };
}
