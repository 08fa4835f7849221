/** The place of a character: its line (row, from 0) and the offset at which that line starts. */
export interface RowPlace {
  readonly row: number;
  readonly start: number;
}

/**
 * The lines of a text. Each has a number that stands for what it says without white space around it, so
 * that lines are compared as numbers. A line break is LF or CRLF; a lone CR belongs to the line.
 */
export class LineTable {
  /** Lines without their breaks. */
  readonly contents: string[] = [];
  readonly breaks: string[] = [];
  /** By row: the number of the trimmed line. */
  readonly ids: number[] = [];
  private readonly known = new Map<string, number>();
  private readonly counts: number[] = [];
  private levelWidth: number | undefined;

  private constructor() {}

  static of(text: string): LineTable {
    const table = new LineTable();
    table.splice(0, 0, text);
    return table;
  }

  get length(): number {
    return this.contents.length;
  }

  content(row: number): string {
    return this.contents[row] ?? '';
  }

  text(): string {
    return this.contents.map((_, row) => this.lineWithBreak(row)).join('');
  }

  lineWithBreak(row: number): string {
    return (this.contents[row] ?? '') + (this.breaks[row] ?? '');
  }

  /** The number of a line, -1 when no line says that. */
  idOf(line: string): number {
    const id = this.known.get(line.trim());
    return id !== undefined && (this.counts[id] ?? 0) > 0 ? id : -1;
  }

  /** How many lines have this number. */
  count(id: number): number {
    return this.counts[id] ?? 0;
  }

  /** Columns of one level of indentation by spaces: the most frequent step inwards; 0 when there is none. */
  get level(): number {
    return (this.levelWidth ??= levelOf(this.contents));
  }

  /** The offset at which a row starts. */
  startOf(row: number): number {
    let start = 0;
    for (let at = 0; at < row; at += 1) start += this.width(at);
    return start;
  }

  replace(start: number, end: number, replacement: string): void {
    const first = this.placeOf(start);
    const last = this.placeOf(end);
    const before = this.lineWithBreak(first.row).slice(0, start - first.start);
    const after = this.lineWithBreak(last.row).slice(end - last.start);
    const joined = before + replacement + after;
    // Without its break, or ending in a CR, the new text is one with the line that follows.
    const open = !joined.endsWith('\n') && last.row + 1 < this.length;
    const rows = last.row - first.row + (open ? 2 : 1);
    this.splice(first.row, rows, open ? joined + this.lineWithBreak(last.row + 1) : joined);
  }

  /** The row that holds an offset; the end of the text belongs to the last row. */
  placeOf(offset: number): RowPlace {
    let start = 0;
    let row = 0;
    for (const last = this.length - 1; row < last; row += 1) {
      const width = this.width(row);
      if (start + width > offset) break;
      start += width;
    }
    return { row, start };
  }

  private width(row: number): number {
    return (this.contents[row]?.length ?? 0) + (this.breaks[row]?.length ?? 0);
  }

  private splice(row: number, removed: number, text: string): void {
    for (const id of this.ids.slice(row, row + removed)) this.counts[id] = (this.counts[id] ?? 0) - 1;
    const contents: string[] = [];
    const breaks: string[] = [];
    for (let start = 0; start < text.length;) {
      const at = text.indexOf('\n', start);
      const end = at < 0 ? text.length : at;
      const crlf = at > start && text.charCodeAt(at - 1) === 13;
      contents.push(text.slice(start, crlf ? end - 1 : end));
      breaks.push(at < 0 ? '' : crlf ? '\r\n' : '\n');
      start = end + 1;
    }
    spliceInto(this.ids, row, removed, contents.map(this.learn));
    spliceInto(this.contents, row, removed, contents);
    spliceInto(this.breaks, row, removed, breaks);
  }

  private readonly learn = (line: string): number => {
    const key = line.trim();
    let id = this.known.get(key);
    if (id === undefined) {
      id = this.counts.length;
      this.known.set(key, id);
      this.counts.push(0);
    }
    this.counts[id] = (this.counts[id] ?? 0) + 1;
    return id;
  };
}

function levelOf(lines: readonly string[]): number {
  const steps = new Map<number, number>();
  let outer = 0;
  for (const line of lines) {
    if (line.trim() === '') continue;
    const width = line.length - line.trimStart().length;
    if (width > outer && width - outer <= 8) steps.set(width - outer, (steps.get(width - outer) ?? 0) + 1);
    outer = width;
  }
  const [most] = [...steps].sort(([a, often], [b, more]) => more - often || a - b);
  return most?.[0] ?? 0;
}

/** `splice` in portions: it takes its items as arguments, and those are limited. */
function spliceInto<T>(array: T[], at: number, removed: number, items: readonly T[]): void {
  if (items.length < 10_000) {
    array.splice(at, removed, ...items);
    return;
  }
  const tail = array.slice(at + removed);
  array.length = at;
  for (const part of [items, tail]) for (const item of part) array.push(item);
}
