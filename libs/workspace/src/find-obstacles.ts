import type { Stats } from 'node:fs';
import type { ChangedTree } from './changed-tree.js';
import type { DirectoryHandle } from './directory-handle.js';

/** Something in the work tree that a change does not write over, nor remove: whoever made it may wait for that. */
export interface Obstacle {
  /** The path of the change. */
  readonly path: string;
  readonly what:
    'a symbolic link' | 'a FIFO' | 'a device' | 'a socket' | 'a file with a second name (hard link)';
  /** Where it stands: the path itself or a folder of it. */
  readonly at: string;
}

/**
 * Looks, through directory handles, for links and special files where paths are about to be written or removed.
 * Symbolic links that the tree itself has are none. Leftover files and folders are none either: they go.
 */
export async function findObstacles(
  root: DirectoryHandle,
  before: ChangedTree,
  paths: Iterable<string>,
): Promise<Obstacle[]> {
  const obstacles: Obstacle[] = [];
  const byFolder = Map.groupBy(paths, (path) => path.slice(0, path.lastIndexOf('/') + 1));
  for (const [folder, inside] of byFolder) {
    await using opened = new AsyncDisposableStack();
    let parent: DirectoryHandle | undefined = root;
    let at = '';
    for (const segment of folder.split('/').slice(0, -1)) {
      at += segment;
      const what: Obstacle['what'] | undefined = obstacleIn(await parent.stat(segment), before.mode(at));
      if (what) obstacles.push(...inside.map((path) => ({ path, what, at })));
      const next: DirectoryHandle | undefined = what ? undefined : await parent.subdirectory(segment);
      parent = next && opened.use(next);
      if (!parent) break;
      at += '/';
    }
    if (!parent) continue;
    for (const path of inside) {
      const what = obstacleIn(await parent.stat(path.slice(folder.length)), before.mode(path));
      if (what) obstacles.push({ path, what, at: path });
    }
  }
  return obstacles;
}

function obstacleIn(stats: Stats | undefined, recorded: string | undefined): Obstacle['what'] | undefined {
  if (!stats || stats.isDirectory()) return undefined;
  if (stats.isSymbolicLink()) return recorded === '120000' ? undefined : 'a symbolic link';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  if (!stats.isFile()) return 'a device';
  return stats.nlink > 1 ? 'a file with a second name (hard link)' : undefined;
}
