import { occurrencesByLines } from './line-occurrences.js';
import { LineTable } from './line-table.js';
import { occurrences } from './occurrences.js';

/** The line endings of a text: `mixed` once both stand in it, `none` when it has one line. */
export type LineEnding = 'lf' | 'crlf' | 'mixed' | 'none';

/**
 * A text that edits are applied to, one after the other. Lines are indexed only when a layer beyond the
 * exact one asks for them, and from then on follow each edit in place of being read anew.
 */
export class EditedText {
  private table: LineTable | undefined;
  private ending: LineEnding | undefined;

  private current: string | undefined;

  constructor(text: string) {
    this.current = text;
  }

  /** The whole text; put together anew after an edit of indexed lines. */
  get text(): string {
    return (this.current ??= this.table?.text() ?? '');
  }

  get lines(): LineTable {
    return this.index();
  }

  /** Indexes the lines now, which makes finding texts of several lines faster from here on. */
  index(): LineTable {
    return (this.table ??= LineTable.of(this.text));
  }

  get lineEnding(): LineEnding {
    return (this.ending ??= lineEndingOf(this.text));
  }

  /** The offsets at which a text stands, as `occurrences` says them. */
  occurrences(search: string): number[] {
    const byLines = this.table && occurrencesByLines(this.table, search);
    return byLines ?? occurrences(this.text, search);
  }

  /** What stands in its line before an offset. */
  lineBefore(offset: number): string {
    if (this.current !== undefined || !this.table)
      return this.text.slice(this.text.lastIndexOf('\n', offset - 1) + 1, offset);
    const { row, start } = this.table.placeOf(offset);
    return this.table.lineWithBreak(row).slice(0, offset - start);
  }

  /** The characters on both sides of an offset; one of them at the ends of the text. */
  around(offset: number): string {
    if (this.current !== undefined || !this.table)
      return this.text.slice(Math.max(0, offset - 1), offset + 1);
    const { row, start } = this.table.placeOf(offset);
    const before = offset > start ? this.table.lineWithBreak(row) : this.table.lineWithBreak(row - 1);
    const after = this.table.lineWithBreak(row);
    return (
      (offset > start ? before.charAt(offset - start - 1) : before.slice(-1)) + after.charAt(offset - start)
    );
  }

  /** Replaces the text between two UTF-16 offsets. */
  replace(start: number, end: number, replacement: string): void {
    const text = this.current ?? '';
    this.ending = combined(this.ending, replacement);
    if (this.table) this.table.replace(start, end, replacement);
    this.current = this.table ? undefined : text.slice(0, start) + replacement + text.slice(end);
  }
}

export function lineEndingOf(text: string): LineEnding {
  let crlf = 0;
  let lf = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    if (text.charCodeAt(at - 1) === 13) crlf += 1;
    else lf += 1;
    if (crlf > 0 && lf > 0) return 'mixed';
  }
  if (crlf > 0) return 'crlf';
  return lf > 0 ? 'lf' : 'none';
}

/** The endings after an insertion, without reading the whole text again. */
function combined(before: LineEnding | undefined, inserted: string): LineEnding | undefined {
  if (before === undefined || before === 'mixed') return before;
  const added = lineEndingOf(inserted);
  if (added === 'none' || added === before) return before;
  return before === 'none' ? undefined : 'mixed';
}
