import { isSubstantive } from './edit-lines.js';
import { indentOf } from './indent-shift.js';
import { longestCommon } from './line-diff.js';
import type { LineTable } from './line-table.js';
import type { SimilarWindow } from './similar-windows.js';

/** How much alike two words have to be for the one to be the other's new form. */
const RENAMED = 0.8;

/**
 * Whether a line that opens a block in the search (a function, a class, a test, a key) stands elsewhere, or
 * a block with another name stands in its stead. Two blocks that differ in little else are siblings, and
 * an edit of one of them must not reach the other.
 */
export function contradictsHeader(
  table: LineTable,
  lines: readonly string[],
  window: SimilarWindow,
): boolean {
  return lines.some((line, at) => {
    if (window.rows[at] !== undefined || !opensBlock(lines, at)) return false;
    const head = headOf(line);
    const there = rowsInGap(table, lines, window, at);
    if (there.some((row) => headOf(table.content(row)) === head)) return false;
    if (table.count(table.idOf(line)) > 0) return true;
    const marked = hasMark(line);
    return there.some((row) => {
      const other = table.content(row);
      const opens = marked ? hasMark(other) : opensBlock(table.contents.slice(row, row + 9), 0);
      return opens && !isControl(other) && !isRenamed(head, headOf(other));
    });
  });
}

/**
 * Rows that stand where the search has a line that the place lacks: between the lines around it that say
 * something; at its ends one row further, since a line may have come in.
 */
function rowsInGap(
  table: LineTable,
  lines: readonly string[],
  { rows, first, last }: SimilarWindow,
  at: number,
): number[] {
  const bounds = rows.map((row, line) => (isSubstantive(lines[line] ?? '') ? row : undefined));
  const start = bounds.findIndex((row) => row !== undefined);
  const end = bounds.findLastIndex((row) => row !== undefined);
  const before =
    bounds.slice(0, at).findLast((row) => row !== undefined) ?? (bounds[start] ?? first) - start - 2;
  const after =
    bounds.slice(at + 1).find((row) => row !== undefined) ?? (bounds[end] ?? last) + rows.length - end + 1;
  const gap = Array.from({ length: Math.max(0, after - before - 1) }, (_, offset) => before + 1 + offset);
  return gap.filter((row) => row >= 0 && row < table.length);
}

function opensBlock(lines: readonly string[], at: number): boolean {
  const line = lines[at] ?? '';
  const text = line.trimEnd();
  if (!isSubstantive(text) || isControl(text)) return false;
  if (hasMark(text)) return true;
  const next = lines.slice(at + 1).find((following) => following.trim() !== '');
  return next !== undefined && indentOf(next).length > indentOf(line).length;
}

function hasMark(line: string): boolean {
  const text = line.trim();
  return ['{', ':', '(', '['].some((mark) => text.endsWith(mark)) || text.startsWith('#');
}

const controlWords = new Set(
  'if else elif for foreach while do switch case match try catch except finally with when unless return throw raise await yield begin rescue default'.split(
    ' ',
  ),
);

/** Conditions and loops have no name by which their blocks are told apart. */
function isControl(line: string): boolean {
  const words = line.trim().replace(/^\}\s*/, '');
  return controlWords.has(words.slice(0, 20).split(/[^a-z]/)[0] ?? '');
}

/** What names a block: the line up to its first bracket or assignment, a quoted title included. */
function headOf(line: string): string {
  const text = line.trim();
  const cut = text.search(/[(=]/);
  if (cut < 0) return text;
  const quote = text.charAt(cut + 1);
  const close = ['"', "'", '`'].includes(quote) ? text.indexOf(quote, cut + 2) : -1;
  return close < 0 ? text.slice(0, cut) : text.slice(0, close + 1);
}

/** Whether two names may be one, before and after: one word of it differs, and that a little, its numbers not at all. */
function isRenamed(before: string, after: string): boolean {
  const [old, fresh] = [before, after].map((head) => head.match(/\w+/g) ?? []);
  if (!old || !fresh || old.length !== fresh.length) return false;
  const differing = old.flatMap((word, at) => (word === fresh[at] ? [] : [[word, fresh[at] ?? ''] as const]));
  const [pair] = differing;
  if (!pair || differing.length > 1) return pair === undefined;
  const [one, other] = pair;
  if (numbersOf(one) !== numbersOf(other)) return false;
  return one.includes(other) || other.includes(one) || likeness(one, other) >= RENAMED;
}

function numbersOf(word: string): string {
  return (word.match(/\d+/g) ?? []).join();
}

/** From 0 to 1: the share of both texts that they have in common, in order. */
function likeness(a: string, b: string): number {
  const common = longestCommon(a.length, b.length, (x, y) => (a[x] === b[y] ? 1 : 0), MAX_CELLS);
  return common ? (2 * common.length) / (a.length + b.length) : 0;
}

const MAX_CELLS = 250_000;
