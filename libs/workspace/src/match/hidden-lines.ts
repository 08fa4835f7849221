import { isSubstantive } from './edit-lines.js';
import { diffLines } from './line-diff.js';

interface NumberedLine {
  readonly line: string;
  readonly number: number;
}

/**
 * The first of some lines of a new text that stands where the old text had more than the new one has:
 * between the lines that both texts share there, more is gone than was written beside the mark.
 *
 * @param marks with their numbers in the new text, from 1, ascending
 */
export function hidingMark<Line extends NumberedLine>(
  before: string,
  text: string,
  marks: readonly Line[],
): Line | undefined {
  if (marks.length === 0) return undefined;
  const olds = before.split('\n').map((line) => line.trim());
  const news = text.split('\n').map((line) => line.trim());
  const byRow = new Map(marks.map((mark) => [mark.number - 1, mark]));
  let inside: Line[] = [];
  let gone = 0;
  let written = 0;
  for (const step of [...diffLines(olds, news), undefined]) {
    if (step?.kind === 'delete') gone += isWritten(olds[step.old]);
    else if (step?.kind === 'insert') {
      const mark = byRow.get(step.new);
      if (mark) inside.push(mark);
      else written += isWritten(news[step.new]);
    } else if (step === undefined || isSubstantive(olds[step.old] ?? '')) {
      // Brackets and blank lines are alike everywhere: they do not part two places.
      const [first] = inside;
      if (first && gone > written) return first;
      [inside, gone, written] = [[], 0, 0];
    }
  }
  return undefined;
}

function isWritten(line: string | undefined): number {
  return line === undefined || line === '' ? 0 : 1;
}
