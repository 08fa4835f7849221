import type { Edit } from '@necrocode/contracts';
import { editLines } from './edit-lines.js';
import type { EditedText } from './edited-text.js';
import { indentOf } from './indent-shift.js';
import { withBreaks } from './line-breaks.js';

/**
 * A single line that was copied without its indentation, and becomes several: they are indented from there,
 * unless they are so already. Undefined where nothing of that kind is at hand.
 *
 * @param start offset at which the search text stands
 * @returns where the line starts, and what is to stand there
 */
export function dedentedLine(
  text: EditedText,
  { search, replace }: Edit,
  start: number,
): { readonly start: number; readonly replacement: string } | 'unclear' | undefined {
  const shown = editLines(search);
  if (shown.lines.length !== 1 || indentOf(search) !== '') return undefined;
  const indent = text.lineBefore(start);
  if (indent === '' || indent.trim() !== '') return undefined;
  const lineStart = start - indent.length;
  if (replace === '' && shown.closed) return { start: lineStart, replacement: '' };
  const { lines } = editLines(replace);
  const written = lines.filter((line) => line.trim() !== '');
  if (lines.length === 1 && written.length === 1) return undefined;
  const reading = readDedented(lines, indent, text.lines.level);
  if (reading === 'as_given') return undefined;
  if (reading === 'unclear') return 'unclear';
  const moved = replace.split('\n').map((line) => (line.trim() === '' ? line : indent + line));
  const lineBreak = text.lineEnding === 'crlf' ? '\r\n' : '\n';
  return { start: lineStart, replacement: withBreaks(moved.join('\n'), lineBreak) };
}

/** Whether lines that follow an unindented first one are indented as the file is, or from that line on. */
function readDedented(
  lines: readonly string[],
  indent: string,
  level: number,
): 'as_given' | 'from_there' | 'unclear' {
  const [first = '', ...following] = lines;
  const later = following.filter((line) => line.trim() !== '');
  const deeper = indent.startsWith('\t') ? '\t' : ' '.repeat(level);
  const opens = /[:{([]\s*$/.test(first);
  if (later.length > 0 && later.every((line) => line.startsWith(indent))) {
    const isBody = later.every((line) => line.startsWith(indent + deeper));
    if (opens) return isBody && indent !== '' && deeper !== indent ? 'as_given' : 'unclear';
    return isBody ? 'unclear' : 'as_given';
  }
  // Nothing at the margin: neither reading fits, but for the body of a block or of a comment.
  const shortest = Math.min(...later.map((line) => indentOf(line).length));
  if (later.length > 0 && shortest > 0 && !(opens && shortest === deeper.length) && !first.startsWith('/*'))
    return 'unclear';
  // After an empty line, what starts at the margin may be meant to stand there.
  const startsAnew = following.some((line, at) => /^\S/.test(line) && following[at - 1]?.trim() === '');
  return startsAnew ? 'unclear' : 'from_there';
}
