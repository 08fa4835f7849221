import { hasTelling, isPhrase, isProse, joins, onlyTelling, wordsOf } from './elision-words.js';
import { isEllipsisBody } from './ellipsis-body.js';
import { hidingMark } from './hidden-lines.js';
import { remarkOf, type Remark } from './remark.js';

/** Longer lines are text, not a mark for text that was left out. */
const MAX_LENGTH = 100;

/**
 * Whether a line stands for text that was left out, such as `// ... rest unchanged`. Its shape tells: an
 * ellipsis alone, or with a few words in a comment or brackets, whatever the words are. Without an
 * ellipsis, its words do.
 *
 * @param inWhole the line stands in a whole new text, where a shape may be code or documentation: there
 *   only marks whose words say that something is left out count
 */
export function isElision(line: string, inWhole: boolean): boolean {
  const mark = markOf(line);
  return mark === 'worded' || (mark === 'shaped' && !inWhole);
}

/** `worded`: its words say that text is left out; `shaped`: only its form does. */
type Mark = 'worded' | 'shaped';

function markOf(line: string): Mark | undefined {
  // What no mark can do without is looked for first: whole texts are read line by line.
  const text = line.trim();
  if (text === '' || text.length > MAX_LENGTH) return undefined;
  if (!/\.\.|…|\. \.|^[^\p{L}\p{N}_]|^REM /u.test(text)) return undefined;
  const remark = remarkOf(text);
  const { inner, leads, trails } = remark;
  const words = wordsOf(inner);
  if (!leads && !trails) return isPlainMark(remark, words) ? 'worded' : undefined;
  if (words.length === 0) return inner === '' ? 'shaped' : undefined;
  return isWorded(remark, words) ? 'worded' : isShaped(remark, words) ? 'shaped' : undefined;
}

function isPlainMark({ kind, starred, repeated, inner }: Remark, words: readonly string[]): boolean {
  if (words.length === 0 || starred || repeated || !isProse(inner)) return false;
  if (kind === 'bracketed') return words.length > 1 && isPhrase(words, inner);
  return kind === 'comment' && isPhrase(words, inner);
}

function isWorded(remark: Remark, words: readonly string[]): boolean {
  const { kind, inner, leads, trails, spaced, starred } = remark;
  if ((onlyTelling(words) || isPhrase(words, inner)) && isProse(inner)) {
    if (starred) return spaced;
    return kind === 'comment' || kind === 'tail' || spaced || (trails && words.length > 1);
  }
  if (kind === 'text' || !hasTelling(words) || joins(words)) return false;
  return leads && (spaced ? words.length <= 8 : trails && words.length <= 3);
}

function isShaped(
  { kind, inner, leads, trails, spaced, starred, framed }: Remark,
  words: readonly string[],
): boolean {
  if (!isProse(inner)) return false;
  if (leads && trails && spaced) return words.length <= 6;
  if (kind === 'text' || starred || joins(words)) return false;
  if (leads && trails) return kind !== 'bracketed' && words.length <= 3;
  if (spaced) return words.length <= 6;
  // "Loading..." is said to people.
  return (
    kind === 'comment' && !framed && !leads && words.length <= 2 && !words.some((w) => w.endsWith('ing'))
  );
}

/** A place in a new text that stands for something left out: its line, and its number from 1. */
export interface Elision {
  readonly line: string;
  readonly number: number;
}

/** The first such mark of a search or a replacement that the file does not say itself. */
export function elisionInEdit(
  lines: readonly string[],
  isInFile: (line: string) => boolean,
  python: boolean,
): Elision | undefined {
  const at = lines.findIndex(
    (line, index) =>
      isElision(line, false) &&
      !isSentence(lines, index) &&
      !isEllipsisBody(lines, index, python) &&
      !isInFile(line),
  );
  return at < 0 ? undefined : { line: (lines[at] ?? '').trim(), number: at + 1 };
}

/** The line goes on with a comment whose sentence began in the line above. */
function isSentence(lines: readonly string[], index: number): boolean {
  const line = remarkOf(lines[index] ?? '');
  const previous = lines[index - 1] ?? '';
  const above = remarkOf(previous.length > 4 * MAX_LENGTH ? '' : previous);
  if (line.kind !== 'comment' || above.kind !== 'comment' || line.leads) return false;
  if (openerOf(lines[index] ?? '') !== openerOf(previous)) return false;
  const isOpen = wordsOf(above.inner).length >= 4 && !/[.:;!?)]$/.test(above.inner);
  return isOpen && !above.trails && /^\p{Ll}/u.test(line.inner);
}

/** The signs with which a comment begins. */
function openerOf(line: string): string {
  return /^[^\p{L}\p{N}\s]*/u.exec(line.trimStart())?.[0] ?? '';
}

/**
 * The first such mark of a whole new text that the old one does not have: one whose words say so, or one
 * that has only the shape and stands where lines of the old text are gone.
 *
 * @param before the old text; empty when there was none
 */
export function elisionInWhole(text: string, before: string): Elision | undefined {
  let known: Set<string> | undefined;
  const shaped: Elision[] = [];
  for (const { mark, ...elision } of marksIn(text)) {
    known ??= new Set(before.split('\n').map((line) => line.trim()));
    if (known.has(elision.line)) continue;
    if (mark === 'worded') return elision;
    shaped.push(elision);
  }
  return before === '' ? undefined : hidingMark(before, text, shaped);
}

/** Whether a whole text has lines that may stand for something left out, so that the old text tells. */
export function mayElide(text: string): boolean {
  return marksIn(text).next().done !== true;
}

/** The lines of a whole text that may stand for something left out. */
function* marksIn(text: string): Generator<Elision & { readonly mark: Mark }> {
  let number = 0;
  for (let start = 0; start <= text.length;) {
    const at = text.indexOf('\n', start);
    const end = at < 0 ? text.length : at;
    number += 1;
    // Long lines are told by their length before they are copied.
    const line = end - start <= 4 * MAX_LENGTH ? text.slice(start, end) : '';
    const mark = markOf(line);
    if (mark) yield { line: line.trim(), number, mark };
    start = end + 1;
  }
}
