import type { Change, Edit } from '@necrocode/contracts';
import type { Reproach } from './change-problem.js';
import { matchEdit } from './match-edit.js';
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

export type Edited =
  | { readonly kind: 'edited'; readonly bytes: Buffer }
  /** `edit` is the position, from 0, of the edit that did not fit. */
  | { readonly kind: 'unfit'; readonly edit: number; readonly reproach: Reproach };

/** Applies edits one after the other. The text is taken as it is: byte order mark and line ends stay. */
export function applyEdits(bytes: Buffer, edits: readonly Edit[]): Edited {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return {
      kind: 'unfit',
      edit: 0,
      reproach: bad('the file is binary (not UTF-8); edits need a text file'),
    };
  }
  for (const [position, edit] of edits.entries()) {
    const match = matchEdit(text, edit);
    if (match.kind !== 'match') {
      return { kind: 'unfit', edit: position, reproach: { reason: 'no_match', message: match.message } };
    }
    text = text.slice(0, match.start) + edit.replace + text.slice(match.end);
  }
  return { kind: 'edited', bytes: Buffer.from(text, 'utf8') };
}
