import type { Edit } from '@necrocode/contracts';
import type { ContentReader } from './base-tree.js';
import { applyEdits, type Edited, type Replaced } from './change-content.js';
import type { Reproach } from './change-problem.js';
import type { ChangedTree } from './changed-tree.js';
import { diffLines } from './match/line-diff.js';
import type { MatchLayer } from './match/match-layer.js';

export type Restated =
  | { readonly kind: 'restated'; readonly bytes: Buffer; readonly layers: readonly MatchLayer[] }
  /** They fit the text of the base, but would take back more than they speak of. */
  | { readonly kind: 'undoes'; readonly reproach: Reproach };

/** Whether all edits were placed, none of them by mere similarity. */
export function isSure(edited: Edited): edited is Extract<Edited, { kind: 'edited' }> {
  return edited.kind === 'edited' && !edited.layers.includes('similarity');
}

/**
 * Edits made for the file as it was before earlier rounds: they replace what those rounds did, so they have
 * to speak of every place that those changed. Undefined when they are not made for that text either.
 *
 * @param current the bytes of the file as the rounds so far have left it
 */
export async function restateEdits(
  view: ChangedTree,
  source: string,
  current: Buffer,
  edits: readonly Edit[],
  reader: ContentReader,
): Promise<Restated | undefined> {
  if (!view.history.touched.has(source)) return undefined;
  const origin = view.history.origins.get(source) ?? source;
  const base = (await reader.read([origin])).get(origin);
  const edited = base && applyEdits(base, edits, source);
  if (!edited || !isSure(edited)) return undefined;
  const undone = firstUndone(textOf(base), textOf(current), edited.replaced);
  if (undone === undefined) return { kind: 'restated', bytes: edited.bytes, layers: edited.layers };
  const message = `the search text stands in the file as it was before your earlier change, not as it is now; starting from there again would undo what you changed at line ${undone + 1}; make the edit for the file as it is now`;
  return { kind: 'undoes', reproach: { reason: 'stale', message } };
}

/** The row of the current text where something was changed that none of the places touches. */
function firstUndone(base: string, current: string, replaced: readonly Replaced[]): number | undefined {
  const touched = placesBefore(replaced).map(({ start, end }) => ({
    first: rowOf(base, start),
    last: rowOf(base, Math.max(start, end - 1)),
  }));
  const isTouched = (from: number, to: number) =>
    touched.some(({ first, last }) => first <= to && last >= from);
  let oldRow = 0;
  let newRow = 0;
  for (const step of diffLines(base.split('\n'), current.split('\n'))) {
    if (step.kind !== 'insert') {
      if (step.kind === 'delete' && !isTouched(step.old, step.old)) return newRow;
      oldRow = step.old + 1;
    }
    if (step.kind !== 'delete') {
      // What was added stands between the line before it and the one after it.
      if (step.kind === 'insert' && !isTouched(oldRow - 1, oldRow)) return newRow;
      newRow = step.new + 1;
    }
  }
  return undefined;
}

/** Where the replaced pieces stood in the text before any of them was replaced. */
function placesBefore(replaced: readonly Replaced[]): { readonly start: number; readonly end: number }[] {
  return replaced.map(({ start, end }, index) => {
    let place = { start, end };
    for (const earlier of replaced.slice(0, index).reverse()) {
      place = {
        start: offsetBefore(place.start, earlier, 'start'),
        end: offsetBefore(place.end, earlier, 'end'),
      };
    }
    return place;
  });
}

/** An offset behind a replaced piece moves back; one inside the new text stands for an edge of the old. */
function offsetBefore(offset: number, { start, end, length }: Replaced, edge: 'start' | 'end'): number {
  if (offset <= start) return offset;
  if (offset >= start + length) return offset - length + (end - start);
  return edge === 'start' ? start : end;
}

/** Without a byte order mark, as edits count. */
function textOf(bytes: Buffer): string {
  return new TextDecoder().decode(bytes);
}

function rowOf(text: string, offset: number): number {
  let row = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) row += 1;
  return row;
}
