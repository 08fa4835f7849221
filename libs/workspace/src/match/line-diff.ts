/** One step from old lines to new ones, by their positions. */
export type LineStep =
  | { readonly kind: 'keep'; readonly old: number; readonly new: number }
  | { readonly kind: 'delete'; readonly old: number }
  | { readonly kind: 'insert'; readonly new: number };

/** Tables above this many cells are not filled; what they would compare counts as replaced. */
const MAX_CELLS = 4_000_000;

/**
 * The steps that turn one list of lines into another, as few as there are, deletions of a place before its
 * insertions. Beyond 4,000,000 cells the lines between the common start and end count as replaced.
 */
export function diffLines(before: readonly string[], after: readonly string[]): LineStep[] {
  const shared = Math.min(before.length, after.length);
  let head = 0;
  while (head < shared && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shared - head && before[before.length - 1 - tail] === after[after.length - 1 - tail])
    tail += 1;

  const steps: LineStep[] = [];
  for (let at = 0; at < head; at += 1) steps.push({ kind: 'keep', old: at, new: at });
  const olds = before.length - head - tail;
  const news = after.length - head - tail;
  const kept = longestCommon(
    olds,
    news,
    (old, fresh) => (before[head + old] === after[head + fresh] ? 1 : 0),
    MAX_CELLS,
  );
  let [old, fresh] = [head, head];
  const upTo = (oldEnd: number, newEnd: number) => {
    for (; old < oldEnd; old += 1) steps.push({ kind: 'delete', old });
    for (; fresh < newEnd; fresh += 1) steps.push({ kind: 'insert', new: fresh });
  };
  for (const [keptOld, keptNew] of kept ?? []) {
    upTo(head + keptOld, head + keptNew);
    steps.push({ kind: 'keep', old, new: fresh });
    old += 1;
    fresh += 1;
  }
  upTo(head + olds, head + news);
  for (; old < before.length; old += 1, fresh += 1) steps.push({ kind: 'keep', old, new: fresh });
  return steps;
}

/**
 * The heaviest common subsequence as pairs of positions. `weight` is 0 for two that differ. Undefined
 * when the table would have more than `maxCells` cells.
 */
export function longestCommon(
  rows: number,
  columns: number,
  weight: (row: number, column: number) => number,
  maxCells: number,
): [number, number][] | undefined {
  const width = columns + 1;
  if ((rows + 1) * width > maxCells) return undefined;
  const best = new Int32Array((rows + 1) * width);
  for (let row = rows - 1; row >= 0; row -= 1) {
    for (let column = columns - 1; column >= 0; column -= 1) {
      const cell = row * width + column;
      const skipped = Math.max(best[cell + 1] ?? 0, best[cell + width] ?? 0);
      const gained = weight(row, column);
      best[cell] = gained > 0 ? Math.max(skipped, gained + (best[cell + width + 1] ?? 0)) : skipped;
    }
  }
  const pairs: [number, number][] = [];
  for (let row = 0, column = 0; row < rows && column < columns;) {
    const cell = row * width + column;
    const gained = weight(row, column);
    if (gained > 0 && best[cell] === gained + (best[cell + width + 1] ?? 0)) {
      pairs.push([row, column]);
      row += 1;
      column += 1;
    } else if (best[cell] === best[cell + width]) row += 1;
    else column += 1;
  }
  return pairs;
}
