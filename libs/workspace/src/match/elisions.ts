import { indentOf } from './indent-shift.js';

/** Longer lines are text, not a mark for text that was left out. */
const MAX_LENGTH = 100;

const openers = ['{/*', '<!--', '//', '/*', '--', '#', ';', '%', '*'];
const closers = ['*/}', '-->', '*/'];

/** What such a mark is about; one of these with an ellipsis, or only such words, makes it one. */
const telling = new Set(
  'rest unchanged existing remaining omitted same before other others more previous prior truncated snip snipped skipped abbreviated brevity keep etc'.split(
    ' ',
  ),
);
const accompanying = new Set(
  'the of this that code file files content contents function functions method methods class classes import imports line lines implementation logic body here for is are as stays stay remains remain and everything else above below all in to no changes change not shown section part parts goes your'.split(
    ' ',
  ),
);
/** Without an ellipsis, a comment is such a mark only with one of these. */
const plain = new Set(['rest', 'unchanged', 'existing', 'remaining', 'omitted', 'same']);

/**
 * Whether a line stands for text that was left out, such as `// ... rest unchanged`.
 *
 * @param inWhole the line stands in a whole new text, where a bare ellipsis may be code: there only
 *   marks with words count
 */
export function isElision(line: string, inWhole: boolean): boolean {
  const text = line.trim();
  if (text === '' || text.length > MAX_LENGTH) return false;
  const body = withoutComment(text);
  const comment = body !== text;
  const words = wordsOf(body);
  const dotted = withoutEllipses(body);
  if (dotted !== undefined) {
    if (words.length === 0) return !inWhole && isOnlyEllipsis(dotted);
    if (comment) return words.some((word) => telling.has(word));
    // `...rest` is code; `... rest of the file` is not.
    return isSpaced(body) && isProse(dotted) && onlyTelling(words);
  }
  return comment && isProse(body) && onlyTelling(words) && isPlainMark(words);
}

function withoutComment(text: string): string {
  const opener = openers.find((mark) => text.startsWith(mark));
  if (opener === undefined) return text;
  const closer = closers.find((mark) => text.endsWith(mark) && text.length >= opener.length + mark.length);
  let start = opener.length;
  // `///` and `##` open the same comment.
  while (text.charAt(start) === opener.charAt(0)) start += 1;
  return text.slice(start, closer ? Math.max(start, text.length - closer.length) : undefined).trim();
}

/** The text without the ellipses at its start and end; undefined when there are none. */
function withoutEllipses(body: string): string | undefined {
  const inner = trimBrackets(body);
  let start = 0;
  let end = inner.length;
  while (start < end && isEllipsisDot(inner.charAt(start))) start += 1;
  while (end > start && isEllipsisDot(inner.charAt(end - 1))) end -= 1;
  const dots = [inner.slice(0, start), inner.slice(end)];
  if (!dots.some((part) => part.includes('…') || part.length >= 3)) return undefined;
  return trimBrackets(inner.slice(start, end).trim());
}

function isEllipsisDot(character: string): boolean {
  return character === '.' || character === '…';
}

function trimBrackets(text: string): string {
  const inner = text.trim();
  const pair = inner.charAt(0) + inner.charAt(inner.length - 1);
  return inner.length >= 2 && (pair === '()' || pair === '[]') ? inner.slice(1, -1).trim() : inner;
}

function isOnlyEllipsis(rest: string): boolean {
  return rest === '';
}

/** White space, or nothing, follows the ellipsis at the start. */
function isSpaced(body: string): boolean {
  const inner = trimBrackets(body);
  let at = 0;
  while (isEllipsisDot(inner.charAt(at))) at += 1;
  return at === 0 || inner.charAt(at).trim() === '' || inner.charAt(at) === '(' || inner.charAt(at) === '[';
}

/** Letters, spaces and the punctuation of a sentence: nothing that looks like code. */
function isProse(text: string): boolean {
  for (const character of text) {
    const letter = character.toLowerCase() !== character.toUpperCase();
    if (!letter && !" ,.:;!'’-–—()[]…".includes(character)) return false;
  }
  return true;
}

function wordsOf(text: string): string[] {
  const words: string[] = [];
  let word = '';
  for (const character of `${text.toLowerCase()} `) {
    if (character.toLowerCase() !== character.toUpperCase()) word += character;
    else if (word !== '') {
      words.push(word);
      word = '';
    }
  }
  return words;
}

function onlyTelling(words: readonly string[]): boolean {
  return (
    words.some((word) => telling.has(word)) &&
    words.every((word) => telling.has(word) || accompanying.has(word))
  );
}

function isPlainMark(words: readonly string[]): boolean {
  if (words.length === 1) return words[0] === 'unchanged' || words[0] === 'omitted';
  return words.some((word) => plain.has(word));
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
    (line, index) => isElision(line, false) && !isInFile(line) && !(python && isEllipsisBody(lines, index)),
  );
  return at < 0 ? undefined : { line: (lines[at] ?? '').trim(), number: at + 1 };
}

/** In Python, `...` is the whole body of what stands above it: it ends in a colon, or is the docstring. */
function isEllipsisBody(lines: readonly string[], index: number): boolean {
  const line = lines[index] ?? '';
  if (line.trim() !== '...') return false;
  const owner = lines.slice(0, index).findLast(isWritten)?.trimEnd();
  if (owner === undefined) return false;
  const follower = lines.slice(index + 1).find(isWritten);
  if (follower !== undefined && indentOf(follower).length >= indentOf(line).length) return false;
  const deeper = indentOf(line).length > indentOf(owner).length;
  return owner.endsWith(':') ? deeper : owner.endsWith('"""') || owner.endsWith("'''");
}

function isWritten(line: string): boolean {
  return line.trim() !== '';
}

/** The first such mark of a whole new text that the old one does not have. */
export function elisionInWhole(text: string, before: string): Elision | undefined {
  const candidates = marksIn(text);
  if (candidates.length === 0) return undefined;
  const known = new Set(before.split('\n').map((line) => line.trim()));
  return candidates.find(({ line }) => !known.has(line));
}

/** Whether a whole text has lines that may stand for something left out. */
export function marksIn(text: string): Elision[] {
  const marks: Elision[] = [];
  let number = 0;
  for (let start = 0; start <= text.length;) {
    const at = text.indexOf('\n', start);
    const end = at < 0 ? text.length : at;
    number += 1;
    // Long lines are told by their length before they are copied.
    if (end > start && isElision(text.slice(start, end), true)) {
      marks.push({ line: text.slice(start, end).trim(), number });
    }
    start = end + 1;
  }
  return marks;
}
