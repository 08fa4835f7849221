import { isSubstantive } from './edit-lines.js';
import type { LineTable } from './line-table.js';
import { MAX_PLACES } from './occurrences.js';
import { similarWindows } from './similar-windows.js';

const MAX_SHOWN = 10;
const MAX_LINE = 120;
const MAX_NEAREST_LINES = 12;
/** From 0 to 1: so many of its words a line shares that is named as the nearest one. */
const LEAST_LIKENESS = 0.4;

/** What the model is told when the search text stands in several places, by their rows from 0. */
export function ambiguousMessage(table: LineTable, rows: readonly number[], how: string): string {
  const named = rows.slice(0, MAX_PLACES).map((row) => row + 1);
  const more = rows.length > MAX_PLACES;
  const times = more ? `more than ${MAX_PLACES}` : `${rows.length}`;
  return [
    `the search text occurs ${times} times${how} (lines ${named.join(', ')}${more ? ', …' : ''}); add neighbouring lines until it occurs once`,
    ...rows.slice(0, MAX_SHOWN).map((row) => `  line ${row + 1}: ${candidate(table, row)}`),
    ...(rows.length > MAX_SHOWN ? ['  …'] : []),
  ].join('\n');
}

function candidate(table: LineTable, row: number): string {
  const first = quoted(table.content(row));
  return row > 0 ? `${first} (after ${quoted(table.content(row - 1))})` : first;
}

/** What the model is told when the place of an edit is not sure, with the places that it may mean. */
export function doubtMessage(
  table: LineTable,
  lines: readonly string[],
  windows: readonly Part[],
  why: string,
): string {
  const places = windows.slice(0, MAX_SHOWN).map(({ first, last }) => `${first + 1}–${last + 1}`);
  const where = places.length === 1 ? `lines ${places[0] ?? ''}` : `lines ${places.join(', ')}`;
  const [best] = windows;
  return [
    `the search text does not occur in the file; ${where} resemble it, but ${why}`,
    ...(best ? [differenceIn(table, lines, best)] : []),
  ].join('; ');
}

export interface Part {
  readonly first: number;
  readonly last: number;
  readonly rows: readonly (number | undefined)[];
}

/** What the model is told when the search text stands nowhere: the nearest text and its first difference. */
export function absentMessage(table: LineTable, lines: readonly string[]): string {
  const nearest =
    similarWindows(table, lines)[0] ?? partByFirstLine(table, lines) ?? partByWords(table, lines);
  const what = 'the search text does not occur in the file; ';
  if (!nearest)
    return `${what}nothing in it resembles it; copy it exactly from the file, white space included`;
  return what + differenceIn(table, lines, nearest);
}

/** Where the first line of the search that says something stands. */
function partByFirstLine(table: LineTable, lines: readonly string[]): Part | undefined {
  const at = lines.findIndex((line) => line.trim() !== '');
  const id = table.idOf(lines[at] ?? '');
  const row = at < 0 || id < 0 ? -1 : table.ids.indexOf(id);
  return row < 0 ? undefined : partAt(lines, at, row);
}

function partAt(lines: readonly string[], at: number, row: number): Part {
  const rows = lines.map((_, index) => (index === at ? row : undefined));
  return { first: Math.max(0, row - at), last: row - at + lines.length - 1, rows };
}

/** The line with the most words of the search's first line that says something. */
function partByWords(table: LineTable, lines: readonly string[]): Part | undefined {
  const at = lines.findIndex(isSubstantive);
  const wanted = wordsOf(lines[at] ?? '');
  if (at < 0 || wanted.size === 0) return undefined;
  let best = LEAST_LIKENESS;
  let found = -1;
  for (let row = 0; row < Math.min(table.length, 50_000); row += 1) {
    const words = wordsOf(table.content(row));
    let common = 0;
    for (const word of words) if (wanted.has(word)) common += 1;
    const score = (2 * common) / (words.size + wanted.size);
    if (score > best || (score === best && found < 0)) [best, found] = [score, row];
  }
  return found < 0 ? undefined : partAt(lines, at, found);
}

function wordsOf(line: string): Set<string> {
  return new Set(
    line
      .slice(0, 300)
      .split(/[^\p{L}\p{N}_]/u)
      .filter((word) => word !== ''),
  );
}

function differenceIn(table: LineTable, lines: readonly string[], part: Part): string {
  const known = part.rows.findIndex((row) => row !== undefined);
  const start = (part.rows[known] ?? 0) - known;
  const at = lines.findIndex((line, index) => line !== table.contents[start + index]);
  const row = start + Math.max(at, 0);
  const expected = quoted(lines[Math.max(at, 0)] ?? '');
  const actual = table.contents[row];
  const first =
    row < 0
      ? `the file begins with ${quoted(table.content(0))}, and the search has ${expected} above that`
      : actual === undefined
        ? `the file has no line ${row + 1} where the search says ${expected}`
        : `line ${row + 1} is ${quoted(actual)}, not ${expected}`;
  return `the nearest text is at lines ${part.first + 1}–${Math.min(part.last + 1, table.length)}: ${first}\n${nearestText(table, part)}`;
}

/** The file's own lines, with their numbers. */
function nearestText(table: LineTable, { first, last }: Part): string {
  const end = Math.min(last + 1, table.length, first + MAX_NEAREST_LINES);
  const shown = table.contents.slice(first, end).map((line, at) => `  ${first + at + 1}| ${cut(line)}`);
  return [...shown, ...(last + 1 > end && end < table.length ? ['  …'] : [])].join('\n');
}

function quoted(line: string): string {
  return JSON.stringify(cut(line));
}

function cut(line: string): string {
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line;
}
