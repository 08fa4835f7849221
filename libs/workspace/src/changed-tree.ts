import { createHash } from 'node:crypto';
import type { BaseTree, ContentReader, EntryMode } from './base-tree.js';

/** What a path is after the changes, where it differs from the base. */
export type OverlayEntry =
  | { readonly kind: 'blob'; readonly mode: Exclude<EntryMode, '160000'>; readonly bytes: Buffer }
  | { readonly kind: 'gitlink'; readonly mode: '160000'; readonly id: string }
  | { readonly kind: 'deleted' };

export type Overlay = ReadonlyMap<string, OverlayEntry>;

/** What earlier rounds of a task did; a later one may say the same again. */
export interface History {
  /** Every path that an earlier round created, changed, deleted or renamed (both names). */
  readonly touched: ReadonlySet<string>;
  /** New name to old name, as an answer said it. */
  readonly renames: ReadonlyMap<string, string>;
  /** New name to the name in the base, over all rounds. */
  readonly origins: ReadonlyMap<string, string>;
}

const noHistory: History = { touched: new Set(), renames: new Map(), origins: new Map() };

/**
 * A commit's files with the changes of a task on top: immutable and in memory. Paths whose final
 * state is that of the base have no overlay entry, so an empty overlay is "nothing changed".
 */
export class ChangedTree {
  private constructor(
    readonly base: BaseTree,
    readonly overlay: Overlay,
    readonly history: History,
  ) {}

  static of(base: BaseTree): ChangedTree {
    return new ChangedTree(base, new Map(), noHistory);
  }

  /** The tree with these paths set on top of what it has. */
  with(changes: Overlay, history: History): ChangedTree {
    const merged = new Map([...this.overlay, ...changes]);
    for (const [path, entry] of changes) if (isAsInBase(this.base, path, entry)) merged.delete(path);
    return new ChangedTree(this.base, merged, history);
  }

  mode(path: string): EntryMode | undefined {
    const entry = this.overlay.get(path);
    if (!entry) return this.base.entry(path)?.mode;
    return entry.kind === 'deleted' ? undefined : entry.mode;
  }

  has(path: string): boolean {
    return this.mode(path) !== undefined;
  }

  /** Git's id of what a path holds: the same for the same bytes; undefined where nothing is. */
  contentId(path: string): string | undefined {
    const entry = this.overlay.get(path);
    if (!entry) return this.base.entry(path)?.id;
    if (entry.kind === 'blob') return blobId(entry.bytes, this.base.commit.length);
    return entry.kind === 'gitlink' ? entry.id : undefined;
  }

  /** Whether a directory of this name holds files. */
  isDirectory(path: string): boolean {
    const prefix = `${path}/`;
    let files = this.base.filesBelow(path);
    for (const [changed, entry] of this.overlay) {
      if (!changed.startsWith(prefix)) continue;
      if (entry.kind === 'deleted') files -= 1;
      else if (!this.base.entry(changed)) files += 1;
    }
    return files > 0;
  }

  *paths(): Generator<string> {
    for (const path of this.base.paths()) if (this.has(path)) yield path;
    for (const path of this.overlay.keys()) if (!this.base.entry(path) && this.has(path)) yield path;
  }

  /** Contents as they are after the changes; gitlinks and unknown paths are left out. */
  async read(
    paths: Iterable<string>,
    reader: ContentReader = this.base,
  ): Promise<ReadonlyMap<string, Buffer>> {
    const contents = new Map<string, Buffer>();
    const unchanged: string[] = [];
    for (const path of paths) {
      const entry = this.overlay.get(path);
      if (!entry) unchanged.push(path);
      else if (entry.kind === 'blob') contents.set(path, entry.bytes);
    }
    return new Map([...contents, ...(unchanged.length > 0 ? await reader.read(unchanged) : [])]);
  }

  hasSameFilesAs(other: ChangedTree): boolean {
    if (this.overlay.size !== other.overlay.size) return false;
    return [...this.overlay].every(([path, entry]) => sameEntry(entry, other.overlay.get(path)));
  }
}

export function sameEntry(a: OverlayEntry | undefined, b: OverlayEntry | undefined): boolean {
  if (a === b) return true;
  if (!a || !b) return false;
  if (a.kind === 'blob') return b.kind === 'blob' && a.mode === b.mode && a.bytes.equals(b.bytes);
  if (a.kind === 'gitlink') return b.kind === 'gitlink' && a.id === b.id;
  return b.kind === 'deleted';
}

function isAsInBase(base: BaseTree, path: string, entry: OverlayEntry): boolean {
  const before = base.entry(path);
  if (!before || entry.kind === 'deleted') return !before && entry.kind === 'deleted';
  if (before.mode !== entry.mode) return false;
  return before.id === (entry.kind === 'gitlink' ? entry.id : blobId(entry.bytes, before.id.length));
}

/** The id that git gives a blob, in the object format of an id of this length. */
function blobId(bytes: Buffer, idLength: number): string {
  const hash = createHash(idLength === 64 ? 'sha256' : 'sha1');
  return hash.update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}
