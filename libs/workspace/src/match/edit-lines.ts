import type { Edit } from '@necrocode/contracts';
import { diffLines, type LineStep } from './line-diff.js';

/** The lines of a text in an edit; `closed` says that the last one has its break. */
export interface EditLines {
  readonly lines: readonly string[];
  readonly closed: boolean;
}

/** The lines of a search or of a replacement, without their breaks (LF or CRLF). */
export function editLines(text: string): EditLines {
  const lines = text.split('\n');
  const closed = lines.length > 1 && lines.at(-1) === '';
  const last = lines.length - 1;
  const whole = lines.map((line, at) => (at < last && line.endsWith('\r') ? line.slice(0, -1) : line));
  return { lines: closed ? whole.slice(0, -1) : whole, closed };
}

/** An edit by lines: what it changes apart from what it only shows. */
export interface EditByLines {
  readonly search: EditLines;
  readonly replace: EditLines;
}

export function editByLines({ search, replace }: Edit): EditByLines {
  const wanted = editLines(search);
  // Nothing in place of whole lines: their breaks go too.
  return { search: wanted, replace: replace === '' && wanted.closed ? nothing : editLines(replace) };
}

const nothing: EditLines = { lines: [], closed: true };

/**
 * What the edit does to its lines; white space at their ends alone is no change, unless `exact`. Where as
 * many lines are kept to the letter, those are meant: blank lines differ in nothing else.
 */
export function stepsOf(before: readonly string[], after: readonly string[], exact: boolean): LineStep[] {
  const toTheLetter = diffLines(before, after);
  if (exact) return toTheLetter;
  const loosely = diffLines(
    before.map((line) => line.trimEnd()),
    after.map((line) => line.trimEnd()),
  );
  return keptBy(toTheLetter) >= keptBy(loosely) ? toTheLetter : loosely;
}

function keptBy(steps: readonly LineStep[]): number {
  return steps.filter(({ kind }) => kind === 'keep').length;
}

/** Whether a line says something: at least three letters, digits or underscores. */
export function isSubstantive(line: string): boolean {
  let count = 0;
  for (let at = 0; at < line.length && count < 3; at += 1) if (isWord(line.charCodeAt(at))) count += 1;
  return count >= 3;
}

function isWord(code: number): boolean {
  return (
    (code >= 48 && code <= 57) ||
    (code >= 65 && code <= 90) ||
    (code >= 97 && code <= 122) ||
    code === 95 ||
    code > 191
  );
}
