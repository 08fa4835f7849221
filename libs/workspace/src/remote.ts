import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { branchNameSchema, RunnerError } from '@necrocode/contracts';
import type { Git } from './git.js';
import { checkedObjectId } from './object-id.js';
import { notGit, translateGitError, withoutCredentials, type AwayReason } from './git-errors.js';

export interface RemoteView {
  /** The branch that HEAD names; undefined where HEAD names none. */
  readonly defaultBranch: string | undefined;
  /** The branch that the work stands on: the one asked for, else the default branch. */
  readonly baseBranch: string;
  readonly baseCommit: string;
  /** What the work branch holds; undefined when the remote has none. */
  readonly workCommit: string | undefined;
}

/**
 * Looks at the branches that matter, with one `ls-remote`. Throws `base_branch_missing`,
 * `repo_unreachable`, `repo_auth_failed`, `repo_not_allowed`.
 */
export async function lookAtRemote(
  git: Git,
  url: string,
  { baseBranch, branch }: { baseBranch?: string; branch: string },
): Promise<RemoteView> {
  const wanted = [...new Set([...(baseBranch === undefined ? [] : [baseBranch]), branch])];
  const { refs, head } = await listRefs(git, url, ['HEAD', ...wanted.map((name) => `refs/heads/${name}`)]);
  const defaultBranch = branchOfRef(head);
  const base = baseBranch ?? defaultBranch;
  if (base === undefined) {
    throw new RunnerError(
      'base_branch_missing',
      `${withoutCredentials(url)} has no default branch; push a first commit to it, or name base_branch`,
    );
  }
  const baseCommit = baseBranch === undefined ? refs.get('HEAD') : refs.get(`refs/heads/${baseBranch}`);
  if (baseCommit === undefined) {
    const message = `the branch ${base} does not exist in ${withoutCredentials(url)}; check base_branch`;
    throw new RunnerError('base_branch_missing', message);
  }
  return { defaultBranch, baseBranch: base, baseCommit, workCommit: refs.get(`refs/heads/${branch}`) };
}

/** What a branch of the remote holds now; undefined when there is none. */
export async function tipOfRemote(git: Git, url: string, branch: string): Promise<string | undefined> {
  const ref = `refs/heads/${branch}`;
  return (await listRefs(git, url, [ref])).refs.get(ref);
}

/**
 * Makes sure that the repository holds a commit, fetching its branch only when it does not. A commit
 * that the branch has left behind is asked for by its id. Returns whether anything was fetched.
 *
 * @param wanted with `depth`, no more than so many commits of the history come along
 */
export async function fetchCommit(
  git: Git,
  url: string,
  wanted: { commit: string; branch: string; depth?: number },
): Promise<{ readonly fetched: boolean }> {
  const { branch, depth } = wanted;
  const commit = checkedObjectId(wanted.commit);
  if (await holdsCommit(git, commit)) return { fetched: false };
  await fetchRef(git, url, `+refs/heads/${branch}:refs/remotes/origin/${branch}`, depth);
  if (!(await holdsCommit(git, commit))) await fetchRef(git, url, `+${commit}:refs/necrocode/base`, depth);
  return { fetched: true };
}

async function fetchRef(git: Git, url: string, refspec: string, depth: number | undefined): Promise<void> {
  const flags = [
    '--quiet',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-auto-maintenance',
    '--no-recurse-submodules',
    ...(depth === undefined ? [] : [`--depth=${depth}`]),
  ];
  try {
    await git.run('fetch', ...flags, '--', url, refspec);
  } catch (error) {
    throw translateGitError(error, { action: 'fetch', url });
  }
}

async function holdsCommit(git: Git, commit: string): Promise<boolean> {
  const answer = await git.pipe(['cat-file', '--batch-check'], [`${commit}^{commit}\n`]);
  return answer.toString('latin1').startsWith(`${commit} commit `);
}

/** The remote names it, so it is judged as a task's branch would be. */
function branchOfRef(ref: string | undefined): string | undefined {
  const branch = /^refs\/heads\/(.*)$/s.exec(ref ?? '')?.[1];
  return branchNameSchema.safeParse(branch).success ? branch : undefined;
}

interface RefList {
  readonly refs: ReadonlyMap<string, string>;
  /** The ref that HEAD points to. */
  readonly head: string | undefined;
}

async function listRefs(git: Git, url: string, names: readonly string[]): Promise<RefList> {
  let output: string;
  try {
    output = await git.run('ls-remote', '--symref', '--', url, ...names);
    if (output === '' && /^https?:/i.test(url)) await hearGit(git, url);
  } catch (error) {
    throw translateGitError(error, { action: 'look', url });
  }
  const refs = new Map<string, string>();
  let head: string | undefined;
  for (const line of output.split('\n')) {
    const [value, name] = line.split('\t');
    if (value === undefined || name === undefined) continue;
    if (!value.startsWith('ref: ')) refs.set(name, checkedObjectId(value));
    else if (name === 'HEAD') head = value.slice('ref: '.length);
  }
  return { refs, head };
}

/**
 * To git, any page that holds no line is an old-fashioned server without branches. Whether it is a server
 * shows in what git heard: packets of its protocol.
 */
async function hearGit(git: Git, url: string): Promise<void> {
  const heard = join(git.place.gitDir, `heard-${randomUUID()}`);
  try {
    await git.tracing(heard).run('ls-remote', '--', url);
    if ((await readFile(heard, 'utf8').catch(() => '')).includes('packet:')) return;
  } finally {
    await rm(heard, { force: true });
  }
  const reason: AwayReason = 'network';
  throw new RunnerError('repo_unreachable', notGit(withoutCredentials(url)), { reason });
}
