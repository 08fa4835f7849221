import { estimateTokens } from '@necrocode/llm';
import { charactersPerToken, LineSelection } from './line-selection.js';

/** Lines around each line that is looked for: first a little of all, then more. */
const contexts = [3, 12, 40];

/**
 * A file's text within a token budget: whole where it fits, else the lines around those that are looked
 * for, the rarest first; its beginning where it has none of them.
 *
 * @param wanted texts whose lines are looked for, whatever their white space
 */
export function excerptOf(text: string, wanted: readonly string[], maxTokens: number): string {
  if (estimateTokens(text) <= maxTokens) return text;
  const lines = text.split('\n');
  const room = maxTokens * charactersPerToken;
  const chosen = new LineSelection(lines, room);
  const places = placesOf(lines, wanted);
  for (const context of contexts) {
    for (const at of places) {
      chosen.takeRange(Math.max(0, at - context), Math.min(lines.length, at + context + 1), room);
    }
  }
  chosen.takeRange(0, lines.length, room);
  return chosen.render();
}

/** Rows of the wanted lines, those of the rarest line first. */
function placesOf(lines: readonly string[], wanted: readonly string[]): number[] {
  const sought = new Set(
    wanted.flatMap((text) => text.split('\n').map((line) => line.trim())).filter((line) => /\w/.test(line)),
  );
  const rows = [...lines.keys()].filter((row) => sought.has((lines[row] ?? '').trim()));
  const alike = Map.groupBy(rows, (row) => (lines[row] ?? '').trim());
  return [...alike.values()].sort((a, b) => a.length - b.length).flat();
}
