import { RunnerError } from '@necrocode/contracts';
import { decodePath, recordsOf } from './base-tree.js';
import { fastImportStream, type CommitRequest } from './fast-import-stream.js';
import type { Git } from './git.js';
import { translateGitError } from './git-errors.js';
import { checkedObjectId } from './object-id.js';

export type { CommitRequest, Identity } from './fast-import-stream.js';

export interface BuiltCommit {
  readonly commit: string;
  readonly tree: string;
}

/**
 * Builds "base plus change set" with one `git fast-import`: no index, no work tree, no filters, so
 * what commands left behind cannot get in. Throws `git_failed`.
 *
 * The objects stay in the pack that fast-import writes: 3.0 ms against 5.2 ms for unpacking them
 * (measured for a commit of one file on git 2.39, 2 cores).
 */
export async function buildCommit(git: Git, request: CommitRequest): Promise<BuiltCommit> {
  const answer = await plumbing(
    git,
    [
      '-c',
      'core.ignoreCase=false',
      '-c',
      'fastimport.unpackLimit=0',
      'fast-import',
      '--quiet',
      '--done',
      '--force',
    ],
    fastImportStream(request),
  );
  const ids = /^([0-9a-f]+)\n040000 tree ([0-9a-f]+)\t/.exec(answer.toString('latin1'));
  if (ids?.[1] && ids[2]) return { commit: ids[1], tree: ids[2] };
  return {
    commit: answer.toString('latin1').trim().split('\n')[0] ?? '',
    tree: await treeOf(git, request.branch),
  };
}

/** A full binary patch with `a/` and `b/`, as `git apply` takes it: no external program has a say. */
export function diffOf(git: Git, base: string, commit: string): Promise<Buffer> {
  const format = [
    '--binary',
    '--full-index',
    '--no-ext-diff',
    '--no-textconv',
    '--no-color',
    '--no-relative',
  ];
  return plumbing(git, [
    'diff-tree',
    '-r',
    '-M',
    '-p',
    ...format,
    '--src-prefix=a/',
    '--dst-prefix=b/',
    checkedObjectId(base),
    checkedObjectId(commit),
    '--',
  ]);
}

export interface ChangedFile {
  readonly status: 'added' | 'modified' | 'deleted' | 'renamed' | 'type_changed';
  readonly path: string;
  /** The name before a rename. */
  readonly oldPath?: string;
}

/** The files in which two commits differ. A name that is not UTF-8 is shown with replacement characters. */
export async function changedFiles(git: Git, base: string, commit: string): Promise<readonly ChangedFile[]> {
  const output = await plumbing(git, [
    'diff-tree',
    '-r',
    '-z',
    '-M',
    '--name-status',
    checkedObjectId(base),
    checkedObjectId(commit),
    '--',
  ]);
  const fields = recordsOf(output);
  const files: ChangedFile[] = [];
  for (let letter = next(fields); letter; letter = next(fields)) {
    const path = next(fields) ?? '';
    if (letter.startsWith('R')) files.push({ status: 'renamed', oldPath: path, path: next(fields) ?? '' });
    else files.push({ status: statuses[letter] ?? 'modified', path });
  }
  return files;
}

const statuses: Readonly<Record<string, ChangedFile['status']>> = {
  A: 'added',
  D: 'deleted',
  M: 'modified',
  T: 'type_changed',
};

/** Writes what the branch has on top of base into a bundle file. */
export async function bundle(
  git: Git,
  { base, branch }: { base: string; branch: string },
  file: string,
): Promise<void> {
  await plumbing(git, [
    'bundle',
    'create',
    '--quiet',
    file,
    `refs/heads/${branch}`,
    `^${checkedObjectId(base)}`,
  ]);
}

/**
 * Takes the objects of a bundle into the repository, which must hold the bundle's base. Returns the
 * commit that the bundle brings. Throws `git_failed` for a bundle that is damaged or does not fit.
 */
export async function restoreBundle(git: Git, file: string): Promise<string> {
  const brought = await plumbing(git, ['bundle', 'unbundle', file]);
  const commit = brought.toString('latin1').split(' ')[0];
  if (!commit) throw new RunnerError('git_failed', 'the commit bundle brings no commit');
  return commit;
}

async function treeOf(git: Git, branch: string): Promise<string> {
  return (await plumbing(git, ['rev-parse', `refs/heads/${branch}^{tree}`])).toString('latin1').trim();
}

async function plumbing(git: Git, args: readonly string[], input?: Iterable<Uint8Array>): Promise<Buffer> {
  try {
    return await git.pipe(args, input);
  } catch (error) {
    throw translateGitError(error, { action: 'build' });
  }
}

function next(fields: Generator<Buffer>): string | undefined {
  const field = fields.next();
  if (field.done) return undefined;
  return decodePath(field.value) ?? field.value.toString('utf8');
}
