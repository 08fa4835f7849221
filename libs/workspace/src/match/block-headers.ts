import { isSubstantive } from './edit-lines.js';
import { indentOf } from './indent-shift.js';
import type { LineTable } from './line-table.js';
import type { SimilarWindow } from './similar-windows.js';

/**
 * Whether a line that opens a block in the search (a function, a class, a test, a key) is absent from a
 * place, or is there under another name. Two blocks that differ in little else are siblings, and an edit
 * of one of them must not reach the other.
 *
 * @param every all lines count as if they opened a block: for searches of a few lines
 */
export function contradictsHeader(
  table: LineTable,
  lines: readonly string[],
  window: SimilarWindow,
  every = false,
): boolean {
  return lines.some((line, at) => {
    if (window.rows[at] !== undefined || !(every ? isSubstantive(line) : opensBlock(lines, at))) return false;
    const head = headOf(line);
    return !rowsInGap(window, at).some((row) => headOf(table.content(row)) === head);
  });
}

/** Rows that stand where the search has a line that the place lacks. */
function rowsInGap({ rows, first, last }: SimilarWindow, at: number): number[] {
  const before = rows.slice(0, at).findLast((row) => row !== undefined) ?? first - 2;
  const after = rows.slice(at + 1).find((row) => row !== undefined) ?? last + 2;
  return Array.from({ length: Math.max(0, after - before - 1) }, (_, offset) => before + 1 + offset);
}

function opensBlock(lines: readonly string[], at: number): boolean {
  const line = lines[at] ?? '';
  const text = line.trimEnd();
  if (!isSubstantive(text) || isControl(text)) return false;
  if (['{', ':', '(', '['].some((mark) => text.endsWith(mark)) || text.startsWith('#')) return true;
  const next = lines.slice(at + 1).find((following) => following.trim() !== '');
  return next !== undefined && indentOf(next).length > indentOf(line).length;
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
