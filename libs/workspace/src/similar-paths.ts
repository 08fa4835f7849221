const mostDistance = 2;
const mostShown = 3;

/** Up to three existing paths that a wrong path may have meant: same file name, or a spelling close to it. */
export function similarPaths(path: string, existing: Iterable<string>): readonly string[] {
  return similarPathsOf([path], existing).get(path) ?? [];
}

/** The same for several wrong paths, with the existing ones read once. */
export function similarPathsOf(
  paths: readonly string[],
  existing: Iterable<string>,
): ReadonlyMap<string, readonly string[]> {
  const byName = paths.length > 0 ? namesOf(existing) : new Map<string, string[]>();
  return new Map(paths.map((path) => [path, similarTo(path, byName)]));
}

/** Existing paths by their file names, in lower case: many files share one, and it is compared once. */
function namesOf(existing: Iterable<string>): Map<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const path of existing) {
    const name = nameOf(path);
    const paths = byName.get(name);
    if (paths) paths.push(path);
    else byName.set(name, [path]);
  }
  return byName;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).toLowerCase();
}

function similarTo(path: string, byName: ReadonlyMap<string, readonly string[]>): string[] {
  const name = nameOf(path);
  const scored: { path: string; score: number }[] = [];
  for (const [candidate, paths] of byName) {
    const score = distance(name, candidate);
    if (score > mostDistance) continue;
    for (const other of paths)
      scored.push({ path: other, score: score * 1_000 + segmentsApart(path, other) });
  }
  return scored
    .sort((a, b) => a.score - b.score || (a.path < b.path ? -1 : 1))
    .slice(0, mostShown)
    .map((s) => s.path);
}

/** How many segments the two paths do not share. */
function segmentsApart(a: string, b: string): number {
  const left = new Set(a.split('/'));
  const right = b.split('/');
  const shared = right.filter((segment) => left.has(segment)).length;
  return Math.min(999, left.size + right.length - 2 * shared);
}

/**
 * Levenshtein distance, given up where it is certain to be too large; short names must be equal. Only what
 * is near the diagonal can be within the distance, so only that is computed.
 */
function distance(a: string, b: string): number {
  const tooFar = mostDistance + 1;
  if (a === b) return 0;
  if (Math.min(a.length, b.length) <= 3 || Math.abs(a.length - b.length) > mostDistance) return tooFar;
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current: number[] = [];
    const end = Math.min(b.length, row + mostDistance);
    let least = tooFar;
    for (let column = Math.max(0, row - mostDistance); column <= end; column += 1) {
      const substituted = (previous[column - 1] ?? tooFar) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const inserted = (current[column - 1] ?? tooFar) + 1;
      const cost = column === 0 ? row : Math.min(substituted, (previous[column] ?? tooFar) + 1, inserted);
      current[column] = cost;
      least = Math.min(least, cost);
    }
    if (least > mostDistance) return tooFar;
    previous = current;
  }
  return previous[b.length] ?? tooFar;
}
