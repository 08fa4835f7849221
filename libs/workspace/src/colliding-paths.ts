import type { ChangedTree } from './changed-tree.js';
import { plainSegment } from './path-rules.js';

/** A path that a change brings, and the one that it cannot stand beside. */
export interface Collision {
  readonly path: string;
  readonly other: string;
}

/**
 * New paths that must not stand beside what the tree holds: those that nobody can tell apart (Unicode forms NFC
 * and NFD, invisible characters), and those that lead through a symbolic link or submodule in a spelling that some
 * file system takes for it, where a checkout would write through the link. Names that differ in case alone are two
 * files in git and on this system, so they may. Pairs that the base brought itself are left alone.
 *
 * @param written paths that changes fill
 */
export function collisionsOf(tree: ChangedTree, written: Iterable<string>): Collision[] {
  const brought = [...written].filter((path) => !tree.base.entry(path) && tree.has(path));
  if (brought.length === 0) return [];
  const isPlain = brought.every(isAscii);
  const names = new NameTable();
  const links = new NameTable();
  for (const path of tree.paths()) {
    if (!isPlain) for (const name of withFolders(path)) names.note(composed(name), name);
    const mode = tree.mode(path);
    if (mode === '120000' || mode === '160000') links.note(plainPath(path), path);
  }
  return brought.flatMap((path) => {
    const hits = withFolders(path).map(
      (name) => names.other(composed(name), name) ?? links.other(plainPath(name), name),
    );
    const other = hits.find((hit) => hit !== undefined);
    return other === undefined ? [] : [{ path, other }];
  });
}

/** Names by what is left of them when some differences do not count. */
class NameTable {
  private readonly names = new Map<string, Set<string>>();

  note(key: string, name: string): void {
    const known = this.names.get(key);
    if (known) known.add(name);
    else this.names.set(key, new Set([name]));
  }

  other(key: string, name: string): string | undefined {
    return [...(this.names.get(key) ?? [])].find((known) => known !== name);
  }
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text);
}

function composed(path: string): string {
  return isAscii(path) ? path : path.replace(/\p{Cf}/gu, '').normalize('NFC');
}

function plainPath(path: string): string {
  return path.split('/').map(plainSegment).join('/');
}

/** The path and every folder that it stands in. */
function withFolders(path: string): string[] {
  const names = [path];
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    names.push(path.slice(0, slash));
  }
  return names;
}
