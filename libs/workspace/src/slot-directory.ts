import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunnerError } from '@necrocode/contracts';
import { Git } from './git.js';
import { exactBytesAttributes, gitConfig, type ObjectFormat } from './git-dir-config.js';
import { checkedObjectId } from './object-id.js';

export interface SlotDirectoryOptions {
  /** Absolute path of the directory that is made; its parents are made as well. */
  readonly directory: string;
  /** Absolute path of an empty directory that is the work tree; absent: `tree` in the directory. */
  readonly workTree?: string;
  /**
   * Absolute path of a git dir whose objects the slot borrows instead of copying them. It must lose no
   * object while the slot lives (no gc, no prune).
   */
  readonly borrowFrom?: string;
  /** Commit to check out, 40 or 64 hex digits; absent or empty: the tree stays empty. */
  readonly commit?: string;
  /** Hash of the repository; needed only where there is no commit that tells it. */
  readonly objectFormat?: ObjectFormat;
  readonly signal?: AbortSignal;
}

export interface SlotDirectory {
  /** The work tree, without a `.git` of any kind. */
  readonly workTree: string;
  /** The git dir, outside the work tree. */
  readonly gitDir: string;
  /** What is checked out, with HEAD detached there and an index that matches; empty: nothing. */
  readonly commit: string;
}

/**
 * Makes a slot: `<directory>/git`, a git dir of our own writing, and next to it `<directory>/tree`,
 * which holds the bytes of `commit` exactly as they were committed: no attribute of the repository
 * and no setting of the machine converts them.
 *
 * @throws RunnerError `workspace_failed` when the directory exists or cannot be written, GitError when
 *   the commit cannot be checked out; what was made until then is left to the caller
 */
export async function createSlotDirectory(options: SlotDirectoryOptions): Promise<SlotDirectory> {
  const workTree = options.workTree ?? join(options.directory, 'tree');
  const gitDir = join(options.directory, 'git');
  const commit = options.commit ?? '';
  try {
    await mkdir(join(options.directory, '..'), { recursive: true });
    await mkdir(options.directory);
    if (options.workTree === undefined) await mkdir(workTree);
    await writeGitDir(gitDir, options, commit);
  } catch (error) {
    throw new RunnerError('workspace_failed', 'the slot directory cannot be made', { cause: error });
  }
  if (commit !== '') {
    const git = new Git({ gitDir, workTree }, { protocols: [], signal: options.signal });
    await git.pipe(['read-tree', '--reset', '-u', checkedObjectId(commit)]);
  }
  return { workTree, gitDir, commit };
}

/**
 * Written by hand rather than by `git init`: no template, no hook and no setting of the machine can
 * get in, and a slot costs one git process instead of three.
 */
async function writeGitDir(gitDir: string, options: SlotDirectoryOptions, commit: string): Promise<void> {
  const format = options.objectFormat ?? (commit.length === 64 ? 'sha256' : 'sha1');
  await mkdir(join(gitDir, 'objects', 'info'), { recursive: true });
  await mkdir(join(gitDir, 'refs', 'heads'), { recursive: true });
  await mkdir(join(gitDir, 'info'));
  await writeFile(join(gitDir, 'HEAD'), commit === '' ? 'ref: refs/heads/main\n' : `${commit}\n`);
  await writeFile(join(gitDir, 'config'), gitConfig(format));
  await writeFile(join(gitDir, 'info', 'attributes'), exactBytesAttributes);
  if (options.borrowFrom !== undefined) {
    const alternates = `${join(options.borrowFrom, 'objects')}\n`;
    await writeFile(join(gitDir, 'objects', 'info', 'alternates'), alternates);
  }
}
