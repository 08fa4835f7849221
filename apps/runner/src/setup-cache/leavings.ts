import { lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BaseTree, Git } from '@necrocode/workspace';

/** What setup left beside the files of the base, and why it cannot be kept where it cannot. */
export type Leavings =
  | { readonly kind: 'paths'; readonly paths: readonly string[] }
  | { readonly kind: 'unfit'; readonly why: string };

/** Setups leave a few directories, not thousands of single files. */
const mostPaths = 1_000;

/**
 * The topmost paths of a work tree that are no files of its base. Nothing may run in the work tree meanwhile.
 */
export async function findLeavings(workTree: string, tree: BaseTree, git: Git): Promise<Leavings> {
  // By content, since files that were handed over to another user are not as the index knows them; without a
  // look into nested repositories, which setup may have made.
  const options = ['--no-ext-diff', '--no-textconv', '--no-renames', '--ignore-submodules=all'];
  const changed = await git.pipe(['diff', '--name-only', '-z', ...options]);
  if (changed.length > 0) return { kind: 'unfit', why: 'setup changes files of the repository' };
  const paths: string[] = [];
  const directories = [''];
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const entry of await readdir(join(workTree, directory), { withFileTypes: true })) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (tree.entry(path)?.mode === '160000') {
        return { kind: 'unfit', why: 'the repository has submodules' };
      } else if (tree.entry(path) !== undefined) continue;
      else if (entry.isDirectory() && tree.filesBelow(path) > 0) directories.push(path);
      else paths.push(path);
      if (paths.length > mostPaths) return { kind: 'unfit', why: 'setup leaves too many single files' };
    }
  }
  return { kind: 'paths', paths: paths.sort() };
}

/**
 * Whether paths can be put into a work tree without replacing anything or following a link. The work tree
 * is as git made it: nothing of the task has run there yet.
 */
export async function isFreeFor(workTree: string, paths: readonly string[]): Promise<boolean> {
  const parents = new Set<string>();
  for (const path of paths) {
    if (await exists(join(workTree, path))) return false;
    for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) parents.add(parent);
  }
  for (const parent of parents) {
    const stats = await lstat(join(workTree, parent)).catch(() => undefined);
    if (!stats?.isDirectory()) return false;
  }
  return true;
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
