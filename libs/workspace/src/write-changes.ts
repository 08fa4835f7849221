import { constants } from 'node:fs';
import { lchown, open, rename, symlink } from 'node:fs/promises';
import { RunnerError } from '@necrocode/contracts';
import type { BaseTree, EntryMode } from './base-tree.js';
import { sameEntry, type ChangedTree, type OverlayEntry } from './changed-tree.js';
import { findObstacles, type Obstacle } from './find-obstacles.js';
import { codeOf, DirectoryHandle, temporaryName } from './directory-handle.js';

export type WriteOutcome =
  | { readonly kind: 'written' }
  /** Links or special files stand where the change would be; nothing was written. */
  | { readonly kind: 'obstructed'; readonly obstacles: readonly Obstacle[] };

/**
 * Brings a work tree that holds `before` to `after`; both stand on the same base. Only paths in which
 * the two differ are touched; there, files and folders that commands left in the way are removed, links and
 * special files refuse the whole change. Every step goes through directory handles, so nothing outside the
 * work tree can be reached, whatever is put in the way meanwhile. Throws `workspace_failed`.
 */
export async function writeChanges(
  workTree: string,
  before: ChangedTree,
  after: ChangedTree,
): Promise<WriteOutcome> {
  const paths = [...new Set([...before.overlay.keys(), ...after.overlay.keys()])].filter(
    (path) => !sameEntry(before.overlay.get(path), after.overlay.get(path)),
  );
  if (paths.length === 0) return { kind: 'written' };
  const wanted = await stateOf(after, paths);
  try {
    await using root = await DirectoryHandle.open(workTree);
    const obstacles = await findObstacles(root, before, paths);
    if (obstacles.length > 0) return { kind: 'obstructed', obstacles };
    for (const [path, entry] of wanted) {
      if (entry.kind === 'deleted') await deletePath(root, path, after.isDirectory(path));
    }
    await writeEntries(root, wanted);
    return { kind: 'written' };
  } catch (error) {
    throw new RunnerError('workspace_failed', 'the change cannot be written to the work tree', {
      cause: error,
    });
  }
}

/** Removes everything in a directory, without following links. */
export async function emptyDirectory(directory: string): Promise<void> {
  try {
    await using root = await DirectoryHandle.open(directory);
    for (const name of await root.names()) await root.remove(name);
  } catch (error) {
    throw new RunnerError('workspace_failed', 'the work tree cannot be cleaned', { cause: error });
  }
}

/** What the paths hold afterwards, contents of the base included where a change was taken back. */
async function stateOf(
  tree: ChangedTree,
  paths: readonly string[],
): Promise<ReadonlyMap<string, OverlayEntry>> {
  const contents = await tree.read(paths);
  return new Map(
    paths.map((path) => [path, tree.overlay.get(path) ?? baseEntry(tree.base, path, contents.get(path))]),
  );
}

function baseEntry(base: BaseTree, path: string, bytes: Buffer | undefined): OverlayEntry {
  const entry = base.entry(path);
  if (entry?.mode === '160000') return { kind: 'gitlink', mode: '160000', id: entry.id };
  if (!entry || !bytes) return { kind: 'deleted' };
  return { kind: 'blob', mode: entry.mode, bytes };
}

/** Deletes a file and, as git does, the directories that this empties. */
async function deletePath(root: DirectoryHandle, path: string, isDirectoryNow: boolean): Promise<void> {
  const segments = path.split('/');
  const name = segments.pop() ?? '';
  await using parents = new AsyncDisposableStack();
  const chain = [root];
  for (const segment of segments) {
    const next = await chain.at(-1)?.subdirectory(segment);
    if (!next) return;
    chain.push(parents.use(next));
  }
  const parent = chain.at(-1) ?? root;
  const isDirectory = (await parent.stat(name))?.isDirectory() ?? false;
  if (!(isDirectory && isDirectoryNow)) await parent.remove(name);
  for (let depth = segments.length; depth > 0; depth -= 1) {
    if (!(await chain[depth - 1]?.removeIfEmpty(segments[depth - 1] ?? ''))) return;
  }
}

/** How many files of one directory are written at the same time. */
const filesAtOnce = 8;

/** Directory by directory, so that each is opened once. */
async function writeEntries(root: DirectoryHandle, wanted: ReadonlyMap<string, OverlayEntry>): Promise<void> {
  const present = [...wanted].filter(([, { kind }]) => kind !== 'deleted');
  const byDirectory = Map.groupBy(present, ([path]) => path.slice(0, path.lastIndexOf('/') + 1));
  for (const [directory, entries] of byDirectory) {
    await using parents = new AsyncDisposableStack();
    let parent = root;
    for (const segment of directory.split('/').slice(0, -1))
      parent = parents.use(await parent.makeSubdirectory(segment));
    for (let at = 0; at < entries.length; at += filesAtOnce) {
      const some = entries.slice(at, at + filesAtOnce);
      // All have ended before the directory is closed, also where one has failed.
      const ended = await Promise.allSettled(
        some.map(([path, entry]) => writeEntry(parent, path.slice(directory.length), entry)),
      );
      const failed = ended.find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
    }
  }
}

async function writeEntry(parent: DirectoryHandle, name: string, entry: OverlayEntry): Promise<void> {
  if (entry.kind === 'gitlink') {
    await parent.remove(name);
    await (await parent.makeSubdirectory(name))[Symbol.asyncDispose]();
  } else if (entry.kind === 'blob') {
    await putInPlace(parent, name, await writeAside(parent, entry.mode, entry.bytes));
  }
}

/** Writes the content under a new name in the same directory and returns that name. */
async function writeAside(parent: DirectoryHandle, mode: EntryMode, bytes: Buffer): Promise<string> {
  const name = temporaryName();
  const owner = await parent.foreignOwner();
  if (mode === '120000') {
    await symlink(bytes, parent.at(name));
    if (owner) await lchown(parent.at(name), owner.uid, owner.gid);
    return name;
  }
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  // The umask has the last word, as for git's checkout: it says whether the group may write.
  const file = await open(parent.at(name), flags, mode === '100755' ? 0o777 : 0o666);
  try {
    await file.writeFile(bytes);
    if (owner) await file.chown(owner.uid, owner.gid);
  } finally {
    await file.close();
  }
  return name;
}

async function putInPlace(parent: DirectoryHandle, name: string, aside: string): Promise<void> {
  try {
    await rename(parent.at(aside), parent.at(name));
  } catch (error) {
    if (!['EISDIR', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) throw error;
    await parent.remove(name);
    await rename(parent.at(aside), parent.at(name));
  }
}
