import { stepsOf, type EditByLines } from './edit-lines.js';
import type { FoundPlace } from './found-place.js';
import { indentOf } from './indent-shift.js';
import type { LineStep } from './line-diff.js';
import type { LineTable } from './line-table.js';

/** What an edit does to the lines of its search, and its new lines as the file would say them. */
export interface LineChange {
  readonly steps: readonly LineStep[];
  /** By line of the replacement. */
  readonly added: readonly string[];
}

/** A text in place of what stands between two UTF-16 offsets. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** What the edit changes, in the indentation of the place; undefined when its indentation can be read in two ways. */
export function lineChange(table: LineTable, edit: EditByLines, place: FoundPlace): LineChange | undefined {
  const { lines } = edit.search;
  const after = edit.replace.lines;
  const exact = place.layer === 'line_endings';
  const steps = stepsOf(lines, after, exact);
  const shifted = lines.map((line) => shiftLine(line, place) ?? line);
  if (exact || shifted.every((line, at) => line === lines[at])) {
    const [head = '', ...others] = after;
    const trimmed = place.startsAfterIndent && after.length > 0 && indentOf(head) === '';
    return { steps, added: trimmed ? [indentOf(table.content(place.first)) + head, ...others] : after };
  }
  const inFile = stepsOf(shifted, after, exact);
  switch (basisOf(lines, shifted, after, steps, inFile)) {
    case 'file':
      return { steps: inFile, added: after };
    case 'search': {
      const added = after.map((line) => shiftLine(line, place));
      const needed = steps.flatMap((step) => (step.kind === 'insert' ? [step.new] : []));
      return needed.some((at) => added[at] === undefined)
        ? undefined
        : { steps, added: added.map((line) => line ?? '') };
    }
    case 'unclear':
      return undefined;
  }
}

function shiftLine(line: string, { shift }: FoundPlace): string | undefined {
  // Nothing but white space: it moves along where the shift says how, and else stays as it was given.
  if (line.trim() === '') return line === '' ? line : (shift(line) ?? line);
  const indent = indentOf(line);
  const moved = shift(indent);
  return moved === undefined ? undefined : moved + line.slice(indent.length);
}

/** Whether the replacement is indented as the search is, or as the file is already. */
function basisOf(
  search: readonly string[],
  file: readonly string[],
  replace: readonly string[],
  inSearch: readonly LineStep[],
  inFile: readonly LineStep[],
): 'search' | 'file' | 'unclear' {
  const outer = outermost(replace);
  if (outer === undefined || outer === outermost(search)) return 'search';
  const keepsSearch = keepsWords(inSearch, search);
  const keepsFile = keepsWords(inFile, file);
  if (keepsSearch && !keepsFile) return 'search';
  return keepsFile && !keepsSearch && outer === outermost(file) ? 'file' : 'unclear';
}

/** The shortest indentation of the lines that say something. */
function outermost(lines: readonly string[]): string | undefined {
  const indents = lines.filter((line) => line.trim() !== '').map(indentOf);
  return indents.length === 0 ? undefined : indents.reduce((a, b) => (b.length < a.length ? b : a));
}

function keepsWords(steps: readonly LineStep[], lines: readonly string[]): boolean {
  return steps.some((step) => step.kind === 'keep' && lines[step.old]?.trim() !== '');
}

/** The change made to the lines that were found: what it only shows keeps the bytes of the file. */
export function carryOver(
  table: LineTable,
  edit: EditByLines,
  place: FoundPlace,
  change: LineChange,
  fallbackBreak: string,
): Replacement {
  const lineBreak = breakNear(table, place) ?? fallbackBreak;
  const out = changedLines(table, edit, place, change, lineBreak);
  const lastBreak = table.breaks[place.last] ?? '';
  const { search, replace } = edit;
  const text = out.map(({ content, end }) => content + end).join('');
  const open = !replace.closed || (search.closed && lastBreak === '');
  const cut = open ? (out.at(-1)?.end.length ?? 0) : 0;
  const start = table.startOf(place.first);
  const lastStart = table.startOf(place.last);
  const end = lastStart + table.content(place.last).length + (search.closed ? lastBreak.length : 0);
  return { start, end, text: cut > 0 ? text.slice(0, -cut) : text };
}

interface OutputLine {
  readonly content: string;
  readonly end: string;
}

function changedLines(
  table: LineTable,
  edit: EditByLines,
  { first, last, rows, layer }: FoundPlace,
  { steps, added }: LineChange,
  lineBreak: string,
): OutputLine[] {
  const out: OutputLine[] = [];
  let next = first;
  const endOf = (row: number) => table.breaks[row] || lineBreak;
  const keepUpTo = (row: number) => {
    for (; next < row; next += 1) out.push({ content: table.content(next), end: endOf(next) });
  };
  let passed = -1;
  for (const step of steps) {
    if (step.kind === 'insert') {
      // What the file says in place of a stale line stands before the line that follows it.
      const following = rows[passed + 1];
      if (passed >= 0 && rows[passed] === undefined && following !== undefined) keepUpTo(following);
      out.push({ content: added[step.new] ?? '', end: lineBreak });
      continue;
    }
    passed = step.old;
    const row = rows[step.old];
    if (row === undefined) continue;
    keepUpTo(row);
    next = row + 1;
    if (step.kind === 'delete') continue;
    const shown = edit.search.lines[step.old] ?? '';
    const content = table.content(row);
    const wanted = edit.replace.lines[step.new] ?? '';
    const kept =
      layer === 'line_endings' ? content : withEndOf(content, shown, wanted, added[step.new] ?? '');
    out.push({ content: kept, end: endOf(row) });
  }
  keepUpTo(last + 1);
  return out;
}

/**
 * The file's line; with other white space at its end only where the edit changes what it shows there: from
 * `shown` to `wanted`, which in the file's indentation is `moved`.
 */
function withEndOf(content: string, shown: string, wanted: string, moved: string): string {
  const tail = (line: string) => line.slice(line.trimEnd().length);
  return tail(shown) === tail(wanted) ? content : content.trimEnd() + tail(moved);
}

/** The break of the lines around: of the block, else of the line before it. */
function breakNear(table: LineTable, { first, last }: FoundPlace): string | undefined {
  for (let row = first; row <= last; row += 1) if (table.breaks[row]) return table.breaks[row];
  return table.breaks[first - 1];
}
