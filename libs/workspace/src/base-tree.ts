import type { Git } from './git.js';
import { checkedObjectId } from './object-id.js';
import { readBlobs } from './read-blobs.js';

export type EntryMode = '100644' | '100755' | '120000' | '160000';

/** A file of a commit. `size` is in bytes, null for a gitlink, whose id is the submodule's commit. */
export interface TreeEntry {
  readonly mode: EntryMode;
  readonly id: string;
  readonly size: number | null;
}

/** Where contents come from: bytes by path. Paths without content (gitlinks, unknown ones) are left out. */
export interface ContentReader {
  read(paths: Iterable<string>): Promise<ReadonlyMap<string, Buffer>>;
}

/**
 * The files of one commit, as git has them: never as a work tree shows them. Names that are not
 * valid UTF-8 cannot be addressed and are not listed; the commit keeps them all the same.
 */
export class BaseTree implements ContentReader {
  private counts: ReadonlyMap<string, number> | undefined;

  private constructor(
    private readonly git: Git,
    readonly commit: string,
    private readonly entries: ReadonlyMap<string, TreeEntry>,
    private readonly hidden: readonly string[],
  ) {}

  /** Reads the whole listing with one git process. */
  static async load(git: Git, commit: string): Promise<BaseTree> {
    const listing = await git.pipe(['ls-tree', '-r', '-z', '-l', '--full-tree', checkedObjectId(commit)]);
    const entries = new Map<string, TreeEntry>();
    const hidden: string[] = [];
    for (const line of recordsOf(listing)) {
      const tab = line.indexOf(0x09);
      const [mode, , id, size] = line.toString('latin1', 0, tab).split(/ +/);
      const path = decodePath(line.subarray(tab + 1));
      if (path === undefined) hidden.push(readablePart(line.subarray(tab + 1)));
      else
        entries.set(path, {
          mode: mode as EntryMode,
          id: id ?? '',
          size: size === '-' ? null : Number(size),
        });
    }
    return new BaseTree(git, commit, entries, hidden);
  }

  entry(path: string): TreeEntry | undefined {
    return this.entries.get(path);
  }

  paths(): IterableIterator<string> {
    return this.entries.keys();
  }

  get fileCount(): number {
    return this.entries.size;
  }

  /** How many files lie below a directory, those that cannot be addressed included. */
  filesBelow(directory: string): number {
    this.counts ??= countBelow([...this.entries.keys(), ...this.hidden]);
    return this.counts.get(directory) ?? 0;
  }

  /** Contents by path, with one git process. The content of a symbolic link is its target. */
  async read(paths: Iterable<string>): Promise<ReadonlyMap<string, Buffer>> {
    const ids = new Map<string, string>();
    for (const path of paths) {
      const entry = this.entries.get(path);
      if (entry && entry.mode !== '160000') ids.set(path, entry.id);
    }
    const blobs = await readBlobs(this.git, ids.values());
    return new Map([...ids].map(([path, id]) => [path, blobs.get(id) as Buffer]));
  }
}

/** The NUL-terminated records of git's `-z` output. */
export function* recordsOf(output: Buffer): Generator<Buffer> {
  for (let start = 0, end; (end = output.indexOf(0, start)) >= 0; start = end + 1) {
    yield output.subarray(start, end);
  }
}

/** The path as a string; undefined when it is not valid UTF-8. */
export function decodePath(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The leading directories of an unreadable path that can be read, so that nothing is put in their place. */
function readablePart(bytes: Buffer): string {
  const segments: string[] = [];
  for (const segment of bytes.toString('latin1').split('/')) {
    const readable = decodePath(Buffer.from(segment, 'latin1'));
    if (readable === undefined) break;
    segments.push(readable);
  }
  return [...segments, '\0'].join('/');
}

function countBelow(paths: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const path of paths) {
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
      const directory = path.slice(0, slash);
      counts.set(directory, (counts.get(directory) ?? 0) + 1);
    }
  }
  return counts;
}
