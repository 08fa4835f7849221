import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RunnerError } from '@necrocode/contracts';
import { codeOf } from './directory-handle.js';
import type { Git } from './git.js';
import { translateGitError } from './git-errors.js';
import { exactBytesAttributes } from './git-dir-config.js';
import { checkedObjectId } from './object-id.js';
import { emptyDirectory } from './write-changes.js';

export interface CheckoutRequest {
  readonly commit: string;
  /** Work branch, which is made, or set, at the commit. */
  readonly branch: string;
  /**
   * What the work tree is known to hold untouched (SlotDirectory.commit; '' for nothing). Absent: it
   * may hold anything, so it is emptied first, since neither its files nor an index can be trusted.
   */
  readonly untouchedAt?: string;
}

/**
 * Brings work tree and index to a commit, bytes exactly as committed, on the work branch: one git
 * process. Throws `git_failed` or `workspace_failed`.
 */
export async function checkoutBase(
  git: Git,
  { commit, branch, untouchedAt }: CheckoutRequest,
): Promise<void> {
  const { gitDir, workTree } = git.place;
  if (workTree === undefined)
    throw new RunnerError('internal', 'a bare repository has no work tree to check out');
  if (untouchedAt === undefined) {
    await emptyDirectory(workTree);
    await Promise.all(
      ['index', 'index.lock', 'HEAD.lock'].map((name) => rm(join(gitDir, name), { force: true })),
    );
  }
  await writeAttributes(join(gitDir, 'info', 'attributes'));
  const move =
    untouchedAt === commit
      ? ['checkout', '--quiet', '--no-track', '-B', branch]
      : ['checkout', '--quiet', '--no-track', '--force', '-B', branch, checkedObjectId(commit)];
  try {
    await git.pipe([...move, '--']);
  } catch (error) {
    throw translateGitError(error, { action: 'checkout' });
  }
}

/** These outrank every .gitattributes, so that no attribute of the repository changes a byte. */
async function writeAttributes(file: string): Promise<void> {
  const present = await readFile(file, 'utf8').catch(() => undefined);
  if (present === exactBytesAttributes) return;
  // Not the directories above: a slot that was taken back must not come to be again.
  await mkdir(dirname(file)).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
  await writeFile(file, exactBytesAttributes);
}
