import type { LineTable } from './line-table.js';
import { MAX_PLACES } from './occurrences.js';

/** Beyond this many compared lines, reading the text once is faster. */
const MAX_COMPARED = 1_000_000;
/** Longer texts of one or two lines are left to a search whose time is linear in any case. */
const MAX_LENGTH_IN_LINES = 256;

/**
 * The offsets at which a text stands in the indexed one, as `occurrences` says them. Undefined where
 * reading the text is the better way: its lines are too common, or it has a CR that is no line break.
 */
export function occurrencesByLines(table: LineTable, search: string): number[] | undefined {
  const parts = search.split('\n');
  const last = parts.length - 1;
  if (parts[last]?.includes('\r')) return undefined;
  if (last < 2 && search.length > MAX_LENGTH_IN_LINES) return undefined;
  if (last === 0) return occurrencesInLines(table, search);
  if (last === 1) return occurrencesAtBreaks(table, parts);
  let rarest = 1;
  let fewest = Infinity;
  for (let at = 1; at < last; at += 1) {
    const id = table.idOf(parts[at] ?? '');
    if (id < 0) return [];
    if (table.count(id) < fewest) [rarest, fewest] = [at, table.count(id)];
  }
  if (fewest * parts.length > MAX_COMPARED) return undefined;
  const id = table.idOf(parts[rarest] ?? '');
  const places: number[] = [];
  for (let row = table.ids.indexOf(id, rarest); row >= 0; row = table.ids.indexOf(id, row + 1)) {
    const first = row - rarest;
    if (!standsAt(table, parts, first)) continue;
    places.push(table.startOf(first) + table.lineWithBreak(first).length - (parts[0]?.length ?? 0) - 1);
    if (places.length > MAX_PLACES) break;
  }
  return places;
}

function occurrencesInLines(table: LineTable, search: string): number[] {
  const places: number[] = [];
  let start = 0;
  for (let row = 0; row < table.length && places.length <= MAX_PLACES; row += 1) {
    const content = table.content(row);
    for (let at = content.indexOf(search); at >= 0; at = content.indexOf(search, at + 1)) {
      places.push(start + at);
      if (places.length > MAX_PLACES) break;
    }
    start += content.length + (table.breaks[row]?.length ?? 0);
  }
  return places;
}

/** A text of two lines: where one ends as its first and the next starts as its second. */
function occurrencesAtBreaks(table: LineTable, parts: readonly string[]): number[] {
  const [head = '', tail = ''] = parts;
  const end = head.endsWith('\r') ? head.slice(0, -1) : head;
  const places: number[] = [];
  let start = 0;
  for (let row = 0; row < table.length && places.length <= MAX_PLACES; row += 1) {
    const content = table.content(row);
    const width = content.length + (table.breaks[row]?.length ?? 0);
    if (content.endsWith(end) && table.content(row + 1).startsWith(tail) && standsAt(table, parts, row)) {
      places.push(start + width - head.length - 1);
    }
    start += width;
  }
  return places;
}

function standsAt(table: LineTable, parts: readonly string[], first: number): boolean {
  const last = parts.length - 1;
  if (!table.lineWithBreak(first).endsWith(`${parts[0] ?? ''}\n`)) return false;
  for (let at = 1; at < last; at += 1) {
    const part = parts[at] ?? '';
    const lineBreak = table.breaks[first + at];
    if (lineBreak === '' || lineBreak === undefined) return false;
    const content = table.content(first + at);
    if (lineBreak === '\n' ? part !== content : part !== `${content}\r`) return false;
  }
  return table.lineWithBreak(first + last).startsWith(parts[last] ?? '');
}
