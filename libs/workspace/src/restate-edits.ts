import type { Edit } from '@necrocode/contracts';
import type { ContentReader } from './base-tree.js';
import { applyEdits, type Edited, type Replaced } from './change-content.js';
import type { Reproach } from './change-problem.js';
import type { ChangedTree } from './changed-tree.js';
import type { MatchLayer } from './match/match-layer.js';

export type Restated =
  | { readonly kind: 'restated'; readonly bytes: Buffer; readonly layers: readonly MatchLayer[] }
  /** They fit the text of the base, but would take back more than they speak of. */
  | { readonly kind: 'undoes'; readonly reproach: Reproach };

/** Whether all edits were placed, none of them by mere similarity. */
export function isSure(edited: Edited): edited is Extract<Edited, { kind: 'edited' }> {
  return edited.kind === 'edited' && !edited.layers.includes('similarity');
}

/** The base's contents of those of the paths that earlier rounds have touched. */
export async function untouchedContents(
  { history }: ChangedTree,
  paths: readonly string[],
  reader: ContentReader,
): Promise<ReadonlyMap<string, Buffer>> {
  const touched = paths.filter((path) => history.touched.has(path));
  if (touched.length === 0) return new Map();
  const originOf = (path: string) => history.origins.get(path) ?? path;
  const contents = await reader.read(touched.map(originOf));
  return new Map(
    touched.flatMap((path) => {
      const bytes = contents.get(originOf(path));
      return bytes ? [[path, bytes] as const] : [];
    }),
  );
}

/**
 * Edits made for the file as it was before earlier rounds: they replace what those rounds did, so they have
 * to speak of every place that those changed. Undefined when they are not made for that text either.
 *
 * @param base the bytes of the file before all rounds; undefined when none has touched it
 * @param current the same as the rounds so far have left them
 */
export function restateEdits(
  source: string,
  base: Buffer | undefined,
  current: Buffer,
  edits: readonly Edit[],
): Restated | undefined {
  const edited = base && applyEdits(base, edits, source);
  if (!edited || !isSure(edited)) return undefined;
  const undone = firstUndone(textOf(base), textOf(current), edited.replaced);
  if (undone === undefined) return { kind: 'restated', bytes: edited.bytes, layers: edited.layers };
  const message = `the search text stands in the file as it was before your earlier change, not as it is now; starting from there again would undo what you changed near line ${undone + 1}; make the edit for the file as it is now`;
  return { kind: 'undoes', reproach: { reason: 'stale', message } };
}

/**
 * The row of the current text where it differs from the base beside all replaced places. There is none when
 * the lines between those places, which the edits do not speak of, all still stand there, in their order.
 */
function firstUndone(base: string, current: string, replaced: readonly Replaced[]): number | undefined {
  const gaps = linesBetween(base, placesBefore(replaced));
  const [first = '', ...others] = gaps;
  const last = others.pop() ?? '';
  if (!current.startsWith(first)) return differingRow(current, first, 0);
  let at = first.length;
  for (const gap of others) {
    const found = indexOfLines(current, gap, at);
    if (found < 0) return differingRow(current, gap, at);
    at = found + gap.length;
  }
  const start = current.length - last.length;
  const isThere = start >= at && current.endsWith(last) && isLineStart(current, start);
  return isThere || last === '' ? undefined : differingRow(current, last, at);
}

interface Place {
  readonly start: number;
  readonly end: number;
}

/** The whole lines before, between and after places, as pieces of text; one more than there are places apart. */
function linesBetween(text: string, places: readonly Place[]): string[] {
  const gaps: string[] = [];
  let from = 0;
  for (const { start, end } of [...places].sort((a, b) => a.start - b.start)) {
    const lineStart = text.lastIndexOf('\n', start - 1) + 1;
    gaps.push(text.slice(from, Math.max(from, start === 0 ? 0 : lineStart)));
    const lineEnd = text.indexOf('\n', Math.max(start, end - 1));
    from = Math.max(from, lineEnd < 0 ? text.length : lineEnd + 1);
  }
  return [...gaps, text.slice(from)];
}

/** Where lines stand in a text at or behind an offset, -1 where they do not. */
function indexOfLines(text: string, lines: string, from: number): number {
  if (lines === '') return from;
  let at = text.indexOf(lines, from);
  while (at >= 0 && !isLineStart(text, at)) at = text.indexOf(lines, at + 1);
  return at;
}

function isLineStart(text: string, at: number): boolean {
  return at === 0 || text[at - 1] === '\n';
}

/** The row where lines that stood behind an offset are no longer as they were. */
function differingRow(text: string, lines: string, from: number): number {
  const firstLine = lines.slice(0, lines.indexOf('\n') + 1) || lines;
  let at = Math.max(from, indexOfLines(text, firstLine, from));
  for (const line of lines.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    if (!text.startsWith(line, at)) break;
    at += line.length;
  }
  return rowOf(text, at);
}

/** Where the replaced pieces stood in the text before any of them was replaced. */
function placesBefore(replaced: readonly Replaced[]): Place[] {
  return replaced.map(({ start, end }, index) => {
    let place = { start, end };
    for (const earlier of replaced.slice(0, index).reverse()) {
      place = {
        start: offsetBefore(place.start, earlier, 'start'),
        end: offsetBefore(place.end, earlier, 'end'),
      };
    }
    return place;
  });
}

/** An offset behind a replaced piece moves back; one inside the new text stands for an edge of the old. */
function offsetBefore(offset: number, { start, end, length }: Replaced, edge: 'start' | 'end'): number {
  if (offset <= start) return offset;
  if (offset >= start + length) return offset - length + (end - start);
  return edge === 'start' ? start : end;
}

/** Without a byte order mark, as edits count. */
function textOf(bytes: Buffer): string {
  return new TextDecoder().decode(bytes);
}

function rowOf(text: string, offset: number): number {
  let row = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) row += 1;
  return row;
}
