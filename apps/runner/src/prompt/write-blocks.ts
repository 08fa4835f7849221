import { RunnerError, type Answer, type Change } from '@necrocode/contracts';
import {
  arrow,
  isFenced,
  markerOf,
  mayBeFenced,
  noNewlineWord,
  shortestMarker,
  type BlockOption,
} from './block-markers.js';

/**
 * An answer in the form `blocks`; readAnswer gives the same answer back, byte for byte.
 *
 * @throws RunnerError change_unparsable for a change that the form has no words for: one that gives both
 *   content and edits, or modifies without either
 */
export function writeBlocks(answer: Answer): string {
  const parts = answer.code_changes.flatMap(writeChange);
  if (answer.needs_files?.length) {
    parts.push(block('needs', [answer.needs_files.map((path) => `${quoted(path)}\n`).join('')]));
  }
  if (answer.explanation !== undefined) parts.push(block('explanation', [answer.explanation]));
  return `${parts.join('\n')}${parts.length > 0 ? '\n' : ''}${'<'.repeat(shortestMarker)} end\n`;
}

function writeChange(change: Change): string[] {
  const target = 'new_path' in change ? [change.file_path, change.new_path] : [change.file_path];
  const paths = target.map(quoted).join(arrow);
  if (change.operation === 'delete') return [line(`delete ${paths}`)];
  const options: BlockOption[] = [];
  if (change.executable !== undefined) options.push(change.executable ? 'executable' : 'not-executable');
  const edits = change.operation === 'create' ? undefined : change.edits;
  if (edits && (change.content !== undefined || change.encoding === 'base64'))
    throw unwritable(change, 'edits besides content or base64');
  if (edits) {
    const header = `edit${listed(options)} ${paths}`;
    return edits.map(({ search, replace }) => block(header, [search, replace]));
  }
  if (change.content === undefined) {
    if (change.operation !== 'rename') throw unwritable(change, 'neither content nor edits');
    return [line(`rename${listed(options)} ${paths}`)];
  }
  if (change.encoding === 'base64') options.push('base64');
  const path = target.at(-1) ?? '';
  if (!mayBeFenced(path) && isFenced(change.content)) options.push('verbatim');
  const word = change.operation === 'create' ? 'create' : 'write';
  return [block(`${word}${listed(options)} ${paths}`, [change.content])];
}

function unwritable(change: Change, what: string): RunnerError {
  return new RunnerError('change_unparsable', `${change.operation} of ${change.file_path} has ${what}`);
}

function listed(options: readonly BlockOption[]): string {
  return options.length === 0 ? '' : `(${options.join(',')})`;
}

function line(header: string): string {
  return `${'<'.repeat(shortestMarker)} ${header}`;
}

function block(header: string, texts: readonly string[]): string {
  const width = freeWidth(texts);
  const bodies = texts.map((text, index) => {
    const marker = (index === texts.length - 1 ? '>' : '=').repeat(width);
    if (text === '' || text.endsWith('\n')) return `${text}${marker}`;
    return `${text}\n${marker} ${noNewlineWord}`;
  });
  return `${'<'.repeat(width)} ${header}\n${bodies.join('\n')}`;
}

/** The shortest width that no line of the texts is a marker of. */
function freeWidth(texts: readonly string[]): number {
  const taken = new Set(texts.flatMap((text) => text.split('\n')).map((text) => markerOf(text)?.width));
  let width = shortestMarker;
  while (taken.has(width)) width += 1;
  return width;
}

/** As it stands, or as a JSON string where that would be read otherwise. */
function quoted(path: string): string {
  const plain = path.trim() === path && !path.startsWith('"') && !path.includes(arrow) && path.isWellFormed();
  return plain && !/\p{Cc}/u.test(path) ? path : JSON.stringify(path);
}
