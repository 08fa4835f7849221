import { lineChange, type LineChange } from './carry-over.js';
import { isSubstantive, stepsOf, type EditByLines } from './edit-lines.js';
import type { FoundPlace } from './found-place.js';
import { contradictsHeader } from './block-headers.js';
import type { LineStep } from './line-diff.js';
import type { LineTable } from './line-table.js';
import { shiftOf } from './match-blocks.js';
import { similarWindows, weightOf, type SimilarWindow } from './similar-windows.js';

/** How much of a search has to stand in the file, of its lines and of both texts. */
const MIN_SCORE = 0.65;
const MIN_COVERED = 0.65;
/** Lines that say something and have to stand there. */
const MIN_MATCHED = 2;
const MIN_CHARACTERS = 20;
/**
 * By how much the evidence for the best place has to exceed that for another: in lines that stand in one
 * place only, for each line of the search that is not there; more where the edit could be applied to the other place too,
 * and where all lines of the search stand in several places. Tuned on perturbed edits of three repositories.
 */
const MIN_MARGIN = 0.5;
const MARGIN_IF_POSSIBLE = 0.7;
const MARGIN_IF_COMMON = 0.5;

export type Similar =
  | { readonly kind: 'found'; readonly place: FoundPlace; readonly change: LineChange }
  /** Some place resembles the search, but whether the edit means it is not sure. */
  | { readonly kind: 'doubt'; readonly windows: readonly SimilarWindow[]; readonly why: string }
  | { readonly kind: 'none' };

/**
 * The one place that resembles the search so much, and every other one so much less, that the edit must
 * mean it. What the edit changes has to stand there exactly: only what it merely shows may be stale.
 */
export function matchSimilar(table: LineTable, edit: EditByLines): Similar {
  const { lines } = edit.search;
  const windows = similarWindows(table, lines);
  const [best, ...others] = windows;
  if (!best) return { kind: 'none' };
  const doubt = (why: string, rivals: readonly SimilarWindow[] = []): Similar => ({
    kind: 'doubt',
    windows: [best, ...rivals],
    why,
  });
  const matched = tellingMatches(lines, best);
  const missing = lines.filter((line, at) => isSubstantive(line) && best.rows[at] === undefined);
  if (matched.length < MIN_MATCHED || matched.join('').length < MIN_CHARACTERS)
    return doubt('too little of it is there to tell a similar place from another');
  if (best.score < MIN_SCORE || covered(lines, best) < MIN_COVERED)
    return doubt('it differs in too many lines');
  if (edit.search.closed !== edit.replace.closed)
    return doubt('only one of search and replace ends in a line break');
  if (runsBetween(table, best) > Math.max(1, matched.length / 3))
    return doubt('other lines stand between its lines');
  const steps = stepsOf(lines, edit.replace.lines, false);
  const common = hasDistinctiveLine(table, lines, best) ? 0 : MARGIN_IF_COMMON;
  const margin = MIN_MARGIN * Math.max(1, missing.length) + common;
  const known = evidence(table, lines, best);
  const rivals = others.filter(
    (other) =>
      evidence(table, lines, other) > known - margin - (couldTake(steps, other) ? MARGIN_IF_POSSIBLE : 0),
  );
  if (rivals.length > 0) return doubt('other places resemble it as well', rivals);
  if (contradictsHeader(table, lines, best)) return doubt('some of its lines are about something else');

  const shown = lines.filter((_, at) => best.rows[at] !== undefined);
  const actual = best.rows.flatMap((row) => (row === undefined ? [] : [table.content(row)]));
  const shift = shiftOf(shown, actual, edit.replace.lines, table.level);
  if (!shift || shift.startsAfterIndent) return doubt('its indentation is another');
  const place: FoundPlace = { ...best, ...shift, layer: 'similarity' };
  const change = lineChange(table, edit, place);
  if (!change) return doubt('the indentation of the replacement can be read in two ways');
  if (missing.some((line) => timesIn(edit.replace.lines, line) > timesIn(lines, line)))
    return doubt('a line of it that is not there is said several times in the replacement');
  const unsure = change.steps.some((step, at) =>
    step.kind === 'keep'
      ? best.rows[step.old] === undefined && lines[step.old] !== edit.replace.lines[step.new]
      : !isSettled(table, edit, place, change.steps, at),
  );
  return unsure
    ? doubt('the lines that the edit changes do not stand there as the search says')
    : { kind: 'found', place, change };
}

/** The lines of a search that say something and stand in a window. */
function tellingMatches(lines: readonly string[], { rows }: SimilarWindow): string[] {
  return lines.filter((line, at) => rows[at] !== undefined && isSubstantive(line)).map((line) => line.trim());
}

/** How much speaks for a window: a line of the search that stands in one place only counts 1, a common one less. */
function evidence(table: LineTable, lines: readonly string[], { rows }: SimilarWindow): number {
  const most = Math.log2(table.length + 1);
  const weights = lines.map((line, at) => {
    if (rows[at] === undefined || !isSubstantive(line)) return 0;
    return 1 - Math.log2(table.count(table.idOf(line))) / most;
  });
  return weights.reduce((sum, weight) => sum + weight, 0);
}

/** How often lines that the search does not have come between its own: as many as there are at one place count once. */
function runsBetween(table: LineTable, { first, last, rows }: SimilarWindow): number {
  const known = new Set(rows);
  let runs = 0;
  for (let row = first, inside = false; row <= last; row += 1) {
    if (!isSubstantive(table.content(row))) continue;
    if (!known.has(row) && !inside) runs += 1;
    inside = !known.has(row);
  }
  return runs;
}

/** Whether a window has all that the edit takes away; where it only adds, a line that it adds at. */
function couldTake(steps: readonly LineStep[], { rows }: SimilarWindow): boolean {
  const stands = (step: LineStep | undefined) => step?.kind === 'keep' && rows[step.old] !== undefined;
  return steps.every((step, at) => {
    if (step.kind === 'delete') return rows[step.old] !== undefined;
    if (step.kind === 'keep') return true;
    const before = steps[at - 1];
    if (before?.kind !== 'keep') return true;
    return stands(before) || stands(steps.slice(at).find(({ kind }) => kind === 'keep'));
  });
}

function timesIn(lines: readonly string[], line: string): number {
  return lines.filter((other) => other.trim() === line.trim()).length;
}

function covered(lines: readonly string[], window: SimilarWindow): number {
  const weights = lines.map(weightOf);
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  return sum(weights.filter((_, at) => window.rows[at] !== undefined)) / sum(weights);
}

function hasDistinctiveLine(table: LineTable, lines: readonly string[], { rows }: SimilarWindow): boolean {
  return lines.some(
    (line, at) => rows[at] !== undefined && isSubstantive(line) && table.count(table.idOf(line)) === 1,
  );
}

/** Whether the place of one change is beyond doubt: its own lines are there, and so are those around it. */
function isSettled(
  table: LineTable,
  edit: EditByLines,
  { rows, first, last }: FoundPlace,
  steps: readonly LineStep[],
  at: number,
): boolean {
  const { lines } = edit.search;
  const { from, to } = searchLinesOf(steps, at);
  const row = (old: number) => (old >= 0 && old < lines.length ? rows[old] : undefined);
  const deleted = Array.from({ length: to - from }, (_, offset) => row(from + offset));
  if (deleted.includes(undefined)) return false;
  // Lines that the search does not show may not stand among these.
  const around = [row(from - 1), ...deleted, row(to)].filter((known) => known !== undefined);
  if (around.some((known, index) => index > 0 && known !== (around[index - 1] ?? 0) + 1)) return false;

  let [start, end] = [from, to];
  const isNext = (old: number, beside: number, by: number) =>
    row(old) !== undefined && (row(beside) === undefined || row(old) === (row(beside) ?? 0) + by);
  const stops = (old: number) => isSubstantive(lines[old] ?? '');
  while (isNext(start - 1, start, -1) && !(start < from && stops(start))) start -= 1;
  while (isNext(end, end - 1, 1) && !(end > to && stops(end - 1))) end += 1;
  const known = lines.slice(start, end);
  if (!known.some(isSubstantive)) return false;
  const key = known.map((line) => table.idOf(line));
  return timesBetween(table, key, first - lines.length, last + lines.length) === 1;
}

/** The lines of the search that a run of changes takes away, or between which it adds: from, and before. */
function searchLinesOf(steps: readonly LineStep[], at: number): { from: number; to: number } {
  let start = at;
  while (start > 0 && steps[start - 1]?.kind !== 'keep') start -= 1;
  const before = steps[start - 1];
  const from = before?.kind === 'keep' ? before.old + 1 : 0;
  let to = from;
  for (let index = start; index < steps.length && steps[index]?.kind !== 'keep'; index += 1) {
    if (steps[index]?.kind === 'delete') to += 1;
  }
  return { from, to };
}

function timesBetween(table: LineTable, key: readonly number[], from: number, to: number): number {
  let times = 0;
  for (let row = Math.max(0, from); row + key.length <= Math.min(table.length, to + 1); row += 1) {
    if (key.every((id, at) => table.ids[row + at] === id)) times += 1;
  }
  return times;
}
