import { indentOf } from './indent-shift.js';

/** Headers that only Python ends with a colon: its code, and what it prints, stands in documents too. */
const headers = new Set([
  'def',
  'async',
  'class',
  'if',
  'elif',
  'else',
  'for',
  'while',
  'with',
  'try',
  'except',
  'finally',
  'Traceback',
]);

/** In Python, `...` is the whole body of what stands above it: it ends in a colon, or is the docstring. */
export function isEllipsisBody(lines: readonly string[], index: number, python: boolean): boolean {
  const line = lines[index] ?? '';
  if (line.trim() !== '...') return false;
  const owner = lines.slice(0, index).findLast(isWritten)?.trimEnd();
  if (owner === undefined) return false;
  const follower = lines.slice(index + 1).find(isWritten);
  if (follower !== undefined && indentOf(follower).length >= indentOf(line).length) return false;
  const deeper = indentOf(line).length > indentOf(owner).length;
  if (owner.endsWith(':')) return deeper && (python || headers.has(/^\w*/.exec(owner.trim())?.[0] ?? ''));
  return python && (owner.endsWith('"""') || owner.endsWith("'''"));
}

function isWritten(line: string): boolean {
  return line.trim() !== '';
}

/** The first line of a function or class of Python whose body was text, and is nothing but `...` afterwards. */
export function emptiedBody(before: readonly string[], after: readonly string[]): string | undefined {
  const were = bodiesIn(before);
  for (const [header, now] of bodiesIn(after)) {
    // An overload has the same first line as what it stands beside.
    if (now.empty > 0 && now.full < (were.get(header)?.full ?? 0)) return header;
  }
  return undefined;
}

/** How many bodies each first line has in a text: of `...` alone, and of something else. */
function bodiesIn(lines: readonly string[]): Map<string, { full: number; empty: number }> {
  const bodies = new Map<string, { full: number; empty: number }>();
  for (const [row, line] of lines.entries()) {
    const text = line.trim();
    if (!/^(?:async )?(?:def|class) /.test(text)) continue;
    const header = text.endsWith('...') ? text.slice(0, -3).trimEnd() : text;
    const counts = bodies.get(header) ?? { full: 0, empty: 0 };
    bodies.set(header, counts);
    if (isEmptyBody(bodyBelow(lines, row))) counts.empty += 1;
    else counts.full += 1;
  }
  return bodies;
}

/** The end of the signature that begins in a row, and the written lines of the body below it. */
function bodyBelow(lines: readonly string[], row: number): string[] {
  const depth = indentOf(lines[row] ?? '').length;
  const below = lines.slice(row, row + MAX_BODY).filter(isWritten);
  const start = below.findIndex((line) => /:(?: ?\.\.\.)?$/.test(line.trimEnd()));
  const body = below.slice(start + 1);
  const end = body.findIndex((line) => indentOf(line).length <= depth);
  return [below[start] ?? '', ...body.slice(0, end < 0 ? undefined : end)].map((line) => line.trim());
}

/** Longer bodies are not looked at to their end: they are not empty. */
const MAX_BODY = 200;

/** Nothing but `...`, behind the docstring where there is one. */
function isEmptyBody([signature = '', ...body]: readonly string[]): boolean {
  if (body.length === 0) return signature.endsWith('...');
  if (body.at(-1) !== '...') return false;
  const isDocument = /^[rR]?(?:"""|''')/.test(body[0] ?? '') && /(?:"""|''')$/.test(body.at(-2) ?? '');
  return body.length === 1 || isDocument;
}
