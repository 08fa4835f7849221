const mostDistance = 2;

/** Up to three existing paths that a wrong path may have meant: same file name, or a spelling close to it. */
export function similarPaths(path: string, existing: Iterable<string>): string[] {
  const name = nameOf(path).toLowerCase();
  const scored: { path: string; score: number }[] = [];
  for (const candidate of existing) {
    const score = distance(name, nameOf(candidate).toLowerCase());
    if (score <= mostDistance)
      scored.push({ path: candidate, score: score * 1_000 + segmentsApart(path, candidate) });
  }
  return scored
    .sort((a, b) => a.score - b.score || (a.path < b.path ? -1 : 1))
    .slice(0, 3)
    .map((s) => s.path);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** How many segments the two paths do not share. */
function segmentsApart(a: string, b: string): number {
  const left = new Set(a.split('/'));
  const right = b.split('/');
  const shared = right.filter((segment) => left.has(segment)).length;
  return Math.min(999, left.size + right.length - 2 * shared);
}

/** Levenshtein distance, given up early where it is certain to be too large; short names must be equal. */
function distance(a: string, b: string): number {
  if (a === b) return 0;
  if (Math.min(a.length, b.length) <= 3 || Math.abs(a.length - b.length) > mostDistance)
    return mostDistance + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const substituted = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substituted, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    if (Math.min(...current) > mostDistance) return mostDistance + 1;
    previous = current;
  }
  return previous[b.length] ?? mostDistance + 1;
}
