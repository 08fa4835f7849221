import { isSubstantive } from './edit-lines.js';
import { longestCommon } from './line-diff.js';
import type { LineTable } from './line-table.js';

/** A part of a file that resembles a search, line by line. */
export interface SimilarWindow {
  /** First and last row that the search has too. */
  readonly first: number;
  readonly last: number;
  /** By line of the search: its row; undefined where the part says something else. */
  readonly rows: readonly (number | undefined)[];
  /** From 0 to 1: how much of the search and of the part is the same. */
  readonly score: number;
}

/** A line in more places than this leads nowhere. */
const MAX_ANCHOR_COUNT = 50;
const MAX_LINES = 600;
const MAX_WINDOWS = 12;

/** The parts of a file that have distinctive lines of the search, the most similar ones first. */
export function similarWindows(table: LineTable, lines: readonly string[]): SimilarWindow[] {
  if (lines.length > MAX_LINES || lines.length === 0) return [];
  const ids = lines.map((line) => table.idOf(line));
  const weights = lines.map(weightOf);
  const slack = Math.max(4, Math.ceil(lines.length / 3));
  const windows = likelyDiagonals(table, lines, ids, slack).flatMap((diagonal) => {
    const from = Math.max(0, diagonal - slack);
    return aligned(table, ids, weights, from, Math.min(table.length, diagonal + lines.length + slack)) ?? [];
  });
  windows.sort((a, b) => b.score - a.score);
  return windows.filter((window, at) => !windows.slice(0, at).some((better) => isSame(better, window)));
}

/** Two readings of one part of the file: most of their lines are in the same rows. */
function isSame(a: SimilarWindow, b: SimilarWindow): boolean {
  const known = [a, b].map(({ rows }) => rows.filter((row) => row !== undefined).length);
  const shared = a.rows.filter((row, at) => row !== undefined && row === b.rows[at]).length;
  return 2 * shared >= Math.min(...known);
}

/** Brackets and the like say little about where they stand. */
export function weightOf(line: string): number {
  if (line.trim() === '') return 0;
  return isSubstantive(line) ? 4 : 1;
}

/** Where the search would start, by the distinctive lines of it that the file has; the most likely first. */
function likelyDiagonals(
  table: LineTable,
  lines: readonly string[],
  ids: readonly number[],
  slack: number,
): number[] {
  const wanted = new Map<number, number[]>();
  for (const [at, id] of ids.entries()) {
    if (id < 0 || table.count(id) > MAX_ANCHOR_COUNT || !isSubstantive(lines[at] ?? '')) continue;
    const positions = wanted.get(id);
    if (!positions) wanted.set(id, [at]);
    else if (positions.length < 4) positions.push(at);
  }
  if (wanted.size === 0) return [];
  const votes = new Map<number, number>();
  for (const [id, positions] of wanted) {
    for (let row = table.ids.indexOf(id); row >= 0; row = table.ids.indexOf(id, row + 1)) {
      for (const at of positions) votes.set(row - at, (votes.get(row - at) ?? 0) + 1);
    }
  }
  const chosen: number[] = [];
  const byVotes = [...votes].sort(([a, most], [b, more]) => more - most || a - b);
  for (const [diagonal] of byVotes) {
    if (chosen.some((other) => Math.abs(other - diagonal) <= slack / 2)) continue;
    chosen.push(diagonal);
    if (chosen.length === MAX_WINDOWS) break;
  }
  return chosen;
}

function aligned(
  table: LineTable,
  ids: readonly number[],
  weights: readonly number[],
  from: number,
  to: number,
): SimilarWindow | undefined {
  const pairs = longestCommon(
    ids.length,
    to - from,
    // Blank lines count a little, so that they find one another between the others.
    (at, row) => (ids[at] === table.ids[from + row] ? 2 * (weights[at] ?? 0) + 1 : 0),
    2_000_000,
  );
  const kept = withoutStrays(pairs ?? [], weights, (at) => table.count(ids[at] ?? -1) > 1);
  const first = kept[0];
  const last = kept.at(-1);
  if (!first || !last) return undefined;
  const rows: (number | undefined)[] = ids.map(() => undefined);
  let common = 0;
  for (const [at, row] of kept) {
    rows[at] = from + row;
    common += weights[at] ?? 0;
  }
  let inFile = 0;
  for (let row = from + first[1]; row <= from + last[1]; row += 1) inFile += weightOf(table.content(row));
  const inSearch = weights.reduce((sum, weight) => sum + weight, 0);
  const score = (2 * common) / (inSearch + inFile);
  return { first: from + first[1], last: from + last[1], rows, score };
}

/** Blank lines, brackets and common lines at the ends that belong to another part of the file. */
function withoutStrays(
  pairs: readonly [number, number][],
  weights: readonly number[],
  isCommon: (at: number) => boolean,
): [number, number][] {
  const kept = [...pairs];
  const isStray = (end: [number, number], inner: [number, number]) => {
    const between = Math.abs(end[1] - inner[1]) - Math.abs(end[0] - inner[0]);
    return between > ((weights[end[0]] ?? 0) < 4 ? 0 : isCommon(end[0]) ? 1 : Infinity);
  };
  for (let pair = kept[1]; pair && kept[0] && isStray(kept[0], pair); pair = kept[1]) kept.shift();
  for (let pair = kept.at(-2), end = kept.at(-1); pair && end && isStray(end, pair);) {
    kept.pop();
    pair = kept.at(-2);
    end = kept.at(-1);
  }
  return kept;
}
