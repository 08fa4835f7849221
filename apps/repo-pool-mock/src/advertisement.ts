/** What a remote says about its heads. */
export interface Advertisement {
  /** As it came: equal text means that nothing has changed. */
  readonly text: string;
  /** Full ref name that the remote's HEAD stands for, when it tells. */
  readonly defaultBranch: string | undefined;
  readonly objectFormat: 'sha1' | 'sha256';
}

/** Reads the output of `git ls-remote --symref <address> HEAD refs/heads/*`. */
export function parseAdvertisement(text: string): Advertisement {
  const defaultBranch = /^ref: (refs\/heads\/\S+)\tHEAD$/m.exec(text)?.[1];
  const objectFormat = /^[0-9a-f]{64}\t/m.test(text) ? 'sha256' : 'sha1';
  return { text, defaultBranch, objectFormat };
}

/**
 * The commit of the default branch: where HEAD points, else main, master, or the first branch.
 *
 * @param refs lines of `<commit>\t<full ref name>`
 * @returns empty without any branch
 */
export function tipOf(refs: string, head: string): string {
  const heads = new Map<string, string>();
  for (const line of refs.split('\n')) {
    const [commit, name] = line.split('\t');
    if (commit && name) heads.set(name, commit);
  }
  const [first = ''] = heads.values();
  return heads.get(head) ?? heads.get('refs/heads/main') ?? heads.get('refs/heads/master') ?? first;
}
