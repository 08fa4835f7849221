/** The repository at the base commit, as far as a prompt needs it. */
export interface RepositoryView {
  /** Every file, in git's order. */
  readonly paths: readonly string[];
  /** Bytes; undefined for what is not a file. */
  sizeOf(path: string): number | undefined;
  read(paths: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
}
