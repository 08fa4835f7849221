import { lineChange, type LineChange } from './carry-over.js';
import { isSubstantive, type EditByLines } from './edit-lines.js';
import type { FoundPlace } from './found-place.js';
import { contradictsHeader } from './block-headers.js';
import type { LineStep } from './line-diff.js';
import type { LineTable } from './line-table.js';
import { shiftOf } from './match-blocks.js';
import { similarWindows, weightOf, type SimilarWindow } from './similar-windows.js';

/** How much of a search has to stand in the file, of its lines and of both texts, tuned on perturbed edits. */
const MIN_SCORE = 0.66;
const MIN_COVERED = 0.66;
/** How much less the runner-up has to resemble the search. */
const MIN_MARGIN = 0.4;
const MIN_LINES = 3;
/** In a search of fewer lines, each line that is stale has to begin as it does in the file. */
const SHORT_SEARCH = 4;
const MIN_CHARACTERS = 40;
/** A line of the search that the place lacks, in so few other places, says that one of those is meant. */
const MAX_ELSEWHERE = 3;

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
  if (!isLongEnough(lines)) return doubt('the search text is too short to tell a similar place from another');
  if (best.score < MIN_SCORE || covered(lines, best) < MIN_COVERED)
    return doubt('it differs in too many lines');
  if (edit.search.closed !== edit.replace.closed)
    return doubt('only one of search and replace ends in a line break');
  if (!hasDistinctiveLine(table, lines, best)) return doubt('no line of it stands in one place only');
  const rivals = others.filter(({ score }) => score > best.score - MIN_MARGIN);
  if (rivals.length > 0) return doubt('other places resemble it as well', rivals);
  const short = lines.filter(isSubstantive).length < SHORT_SEARCH;
  if (contradictsHeader(table, lines, best, short))
    return doubt('some of its lines are about something else');
  const elsewhere = lines.find(
    (line, at) => best.rows[at] === undefined && standsElsewhere(table, line, best),
  );
  if (elsewhere !== undefined)
    return doubt(`${JSON.stringify(elsewhere.trim().slice(0, 100))} stands elsewhere`);

  const shown = lines.filter((_, at) => best.rows[at] !== undefined);
  const actual = best.rows.flatMap((row) => (row === undefined ? [] : [table.content(row)]));
  const shift = shiftOf(shown, actual, edit.replace.lines);
  if (!shift || shift.startsAfterIndent) return doubt('its indentation is another');
  const place: FoundPlace = { ...best, ...shift, layer: 'similarity' };
  const change = lineChange(table, edit, place);
  if (!change) return doubt('the indentation of the replacement can be read in two ways');
  const unsure = change.steps.some(
    (step, at) => step.kind !== 'keep' && !isSettled(table, edit, place, change.steps, at),
  );
  return unsure
    ? doubt('the lines that the edit changes do not stand there as the search says')
    : { kind: 'found', place, change };
}

function isLongEnough(lines: readonly string[]): boolean {
  const telling = lines.filter(isSubstantive);
  return telling.length >= MIN_LINES && telling.join('').length >= MIN_CHARACTERS;
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

function standsElsewhere(table: LineTable, line: string, { first, last }: SimilarWindow): boolean {
  const id = table.idOf(line);
  if (id < 0 || !isSubstantive(line)) return false;
  let outside = table.count(id);
  for (let row = first; row <= last; row += 1) if (table.ids[row] === id) outside -= 1;
  return outside > 0 && outside <= MAX_ELSEWHERE;
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
