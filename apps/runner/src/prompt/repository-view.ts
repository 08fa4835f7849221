import type { BaseTree } from '@necrocode/workspace';

/** The repository at the base commit, as far as a prompt needs it. */
export interface RepositoryView {
  /** Every file, in git's order. */
  readonly paths: readonly string[];
  /** Bytes; undefined for what is not a file. */
  sizeOf(path: string): number | undefined;
  read(paths: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
}

export function viewOf(tree: BaseTree): RepositoryView {
  return {
    paths: [...tree.paths()],
    sizeOf: (path) => tree.entry(path)?.size ?? undefined,
    read: (paths) => tree.read(paths),
  };
}
