import type { Change, Edit } from '@necrocode/contracts';
import type { Reproach } from './change-problem.js';
import { matchEdit, type Match, type NoMatch } from './match-edit.js';
import { EditedText } from './match/edited-text.js';
import { editLines } from './match/edit-lines.js';
import { elisionInWhole, mayElide } from './match/elisions.js';
import { emptiedBody } from './match/ellipsis-body.js';
import type { MatchLayer } from './match/match-layer.js';
import { problemWithPath } from './path-rules.js';

/** What is wrong with a change by itself: its paths and how its content is given. */
export function checkChange(change: Change): Reproach | undefined {
  const paths = change.operation === 'rename' ? [change.file_path, change.new_path] : [change.file_path];
  for (const path of paths) {
    const problem = problemWithPath(path);
    if (problem)
      return {
        reason: 'bad_path',
        message: paths.length > 1 ? `${JSON.stringify(path)}: ${problem}` : problem,
      };
  }
  if (change.operation === 'rename' && change.file_path === change.new_path) {
    return { reason: 'bad_path', message: 'file_path and new_path are the same; use modify' };
  }
  return change.operation === 'delete' ? undefined : checkContent(change);
}

function checkContent(change: Exclude<Change, { operation: 'delete' }>): Reproach | undefined {
  const edits = change.operation === 'create' ? undefined : change.edits;
  const given = [change.content, edits].filter((part) => part !== undefined).length;
  if (given > 1) return bad('give either content or edits, not both');
  if (change.operation === 'modify' && given === 0) return bad('give the whole new content, or edits');
  if (edits && change.encoding === 'base64') return bad('encoding base64 goes with content, not with edits');
  if (change.content !== undefined && change.encoding === 'base64' && !isBase64(change.content)) {
    return bad('the content is not valid base64 (standard alphabet, padded, without white space)');
  }
  const texts = [change.content ?? '', ...(edits ?? []).flatMap((edit) => [edit.search, edit.replace])];
  if (!texts.every((text) => text.isWellFormed())) return bad('the text contains half of a surrogate pair');
  return undefined;
}

function bad(message: string): Reproach {
  return { reason: 'bad_content', message };
}

/** Strict base64: nothing that a lenient decoder would skip or make up. */
function isBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64') === text;
}

/** The bytes that a change gives whole; undefined when it gives none. */
export function givenBytes(change: Exclude<Change, { operation: 'delete' }>): Buffer | undefined {
  if (change.content === undefined) return undefined;
  return Buffer.from(change.content, change.encoding === 'base64' ? 'base64' : 'utf8');
}

/** Whether a change gives a whole text in which parts may be left out, so that the old text has to be looked at. */
export function mayBeElided(change: Change): boolean {
  return mayElide(wholeText(change) ?? '');
}

/**
 * What is wrong with a whole new text by the one that it replaces: a mark in place of what was there.
 *
 * @param before the bytes that it replaces; none for a new file
 */
export function checkElision(change: Change, before: Buffer): Reproach | undefined {
  const elision = elisionInWhole(wholeText(change) ?? '', before.toString('utf8'));
  if (!elision) return undefined;
  const way = before.length > 0 ? 'write all of it, or give edits instead' : 'write all of it';
  const message = `line ${elision.number} of the content, ${JSON.stringify(elision.line)}, stands for text that was left out; content is the whole new file: ${way} (${ifMeant})`;
  return { reason: 'elided', message };
}

const ifMeant = 'if this very line is meant, say it in other words';

function wholeText(change: Change): string | undefined {
  if (change.operation === 'delete' || change.encoding === 'base64') return undefined;
  return change.content;
}

/** A piece of text and the length of what stands there afterwards, in UTF-16 units. */
export interface Replaced {
  readonly start: number;
  readonly end: number;
  readonly length: number;
}

export type Edited =
  | {
      readonly kind: 'edited';
      readonly bytes: Buffer;
      /** How literally each edit was found, in their order. */
      readonly layers: readonly MatchLayer[];
      /** What each one replaced, in the text as those before it left it. */
      readonly replaced: readonly Replaced[];
    }
  | {
      readonly kind: 'unfit';
      /** Every edit that did not fit, in their order; at least one. */
      readonly faults: readonly EditFault[];
      /** The position from which on edits were not looked at, since so many did not fit. */
      readonly unseen: number | undefined;
    };

/** An edit, by its position from 0, that does not fit the text as those before it left it that did. */
export interface EditFault {
  readonly edit: number;
  readonly reproach: Reproach;
}

/** So many edits of a file that do not fit are told in full. */
export const MAX_TOLD_FAULTS = 10;
/** Beyond those, edits that fit nowhere are looked for in so many lines, over all of them, and no more. */
const MAX_SEARCHED_LINES = 500_000;
/** Each line of a search is compared with that many lines of the places that resemble it. */
const WINDOWS_OF_A_LINE = 25;

/**
 * Applies edits one after the other, each to the text as those before it left it. The text is taken as it
 * is: byte order mark and line ends stay.
 *
 * @param path of the file; tells its language
 */
export function applyEdits(bytes: Buffer, edits: readonly Edit[], path = ''): Edited {
  let decoded: string;
  try {
    decoded = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const reproach = bad('the file is binary (not UTF-8); edits need a text file');
    return { kind: 'unfit', faults: [{ edit: 0, reproach }], unseen: undefined };
  }
  // The mark is no part of the first line, except for an edit that names it.
  const mark = decoded.startsWith(byteOrderMark) && !edits.some(namesMark) ? byteOrderMark : '';
  const text = new EditedText(decoded.slice(mark.length));
  // Found by lines, many edits cost less than reading the text for each.
  if (edits.length > 20) text.index();
  const layers: MatchLayer[] = [];
  const replaced: Replaced[] = [];
  const faults: EditFault[] = [];
  let searched = 0;
  let unseen: number | undefined;
  for (const [position, edit] of edits.entries()) {
    if (faults.length >= MAX_TOLD_FAULTS && searched > MAX_SEARCHED_LINES) {
      unseen = position;
      break;
    }
    const match = matchEdit(text, edit, path);
    const reproach = match.kind === 'match' ? checkBodies(text, match, path) : reproachOf(match);
    if (reproach || match.kind !== 'match') {
      if (reproach) faults.push({ edit: position, reproach });
      searched += text.lines.length + WINDOWS_OF_A_LINE * edit.search.split('\n').length;
      continue;
    }
    text.replace(match.start, match.end, match.replacement);
    layers.push(match.layer);
    replaced.push({ start: match.start, end: match.end, length: match.replacement.length });
  }
  if (faults.length > 0) return { kind: 'unfit', faults, unseen };
  return { kind: 'edited', bytes: Buffer.from(mark + text.text, 'utf8'), layers, replaced };
}

const byteOrderMark = '\ufeff';

function namesMark({ search, replace }: Edit): boolean {
  return search.startsWith(byteOrderMark) || replace.startsWith(byteOrderMark);
}

/** What `...` in Python hides: a body that the edit replaces, under the same first line. */
function checkBodies(
  text: EditedText,
  { start, end, replacement }: Match,
  path: string,
): Reproach | undefined {
  if (!/\.pyi?$/.test(path) || !replacement.includes('...')) return undefined;
  const header = emptiedBody(editLines(text.text.slice(start, end)).lines, editLines(replacement).lines);
  if (header === undefined) return undefined;
  const message = `replace leaves "..." of the body of ${JSON.stringify(header)}; write the body, or leave it out of the edit`;
  return { reason: 'elided', message: `${message} (if no body is meant, write pass)` };
}

function reproachOf({ kind, message }: NoMatch): Reproach {
  if (kind !== 'elided') return { reason: 'no_match', message };
  const way = 'one that the file has is shown in search too, a new one is given in the whole new content';
  return { reason: 'elided', message: `${message} (if this very line is meant: ${way})` };
}
