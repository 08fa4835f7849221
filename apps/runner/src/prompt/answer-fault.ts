import type { Answer } from '@necrocode/contracts';

export type UnreadableCode =
  'cut_off' | 'empty' | 'not_json' | 'wrong_shape' | 'too_large' | 'ambiguous' | 'withheld';

export type ReadAnswer =
  | {
      readonly kind: 'answer';
      readonly answer: Answer;
      /** What was put right on the way, in words; empty for an answer that is exactly in form. */
      readonly recovered: readonly string[];
    }
  | Unreadable;

export interface Unreadable {
  readonly kind: 'unreadable';
  readonly code: UnreadableCode;
  /** Written for the model; names the place. */
  readonly message: string;
}

export function unreadable(code: UnreadableCode, message: string): Unreadable {
  return { kind: 'unreadable', code, message };
}

/** An answer without its end: told, never completed, since half a change is worse than none. */
export function cutOff(fact: string): Unreadable {
  return unreadable(
    'cut_off',
    `Your answer was cut off (${fact}). Answer with fewer or smaller changes; use edits instead of whole files.`,
  );
}

/** A UTF-16 offset as people count: "line 3, column 7", both from 1. */
export function placeOf(text: string, offset: number): string {
  let line = 1;
  let start = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1;
    start = at + 1;
  }
  return `line ${line}, column ${offset - start + 1}`;
}

/** Where a text ends, and its last words. */
export function endOf(text: string): string {
  const end = text.trimEnd();
  if (end === '') return 'before it began';
  const last = end.slice(end.lastIndexOf('\n') + 1).trim();
  return `at ${placeOf(text, end.length)}, behind ${quoted(last.slice(-mostQuoted))}`;
}

/** Characters of an answer in a message, to find the place by. */
const mostQuoted = 60;

export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, mostQuoted));
}
