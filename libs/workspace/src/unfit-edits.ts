import type { PlacedChange, Reproach } from './change-problem.js';
import { MAX_TOLD_FAULTS, type EditFault } from './change-content.js';

/** What is wrong with a change of a file by one of its edits, or by several that are counted. */
export interface UnfitEdit {
  readonly placed: PlacedChange;
  readonly reproach: Reproach;
}

const MAX_RANGES = 50;

/**
 * What the model is told of the edits of one file that do not fit: the first ten in full, the others by
 * their numbers within their change, and which of them were not looked at.
 *
 * @param owners by edit of the file: the change that it is in; several changes may edit one file
 * @param unseen the position from which on edits were not looked at
 */
export function describeFaults(
  owners: readonly PlacedChange[],
  faults: readonly EditFault[],
  unseen: number | undefined,
): UnfitEdit[] {
  const told = faults.slice(0, MAX_TOLD_FAULTS).map((fault, at) => describeFault(owners, fault, at > 0));
  const others = faults.slice(MAX_TOLD_FAULTS).map(({ edit }) => edit);
  const after = owners.flatMap((_, edit) => (unseen !== undefined && edit >= unseen ? [edit] : []));
  return [
    ...told,
    ...counted(owners, others, 'did not fit either'),
    ...counted(owners, after, 'were not looked at, since so many do not fit'),
  ];
}

function describeFault(
  owners: readonly PlacedChange[],
  { edit, reproach }: EditFault,
  isLater: boolean,
): UnfitEdit {
  const placed = owners[edit] as PlacedChange;
  const { number, count } = numberOf(owners, edit);
  const byEdit = ['no_match', 'elided', 'stale'].includes(reproach.reason);
  const where = isLater ? `edit ${number} of ${count}, without those above` : `edit ${number} of ${count}`;
  const message = byEdit && count > 1 ? `${where}: ${reproach.message}` : reproach.message;
  return { placed, reproach: { ...reproach, message } };
}

/** The number of an edit within its change, from 1, and how many that has. */
function numberOf(owners: readonly PlacedChange[], edit: number): { number: number; count: number } {
  const placed = owners[edit] as PlacedChange;
  const first = owners.indexOf(placed);
  return { number: edit - first + 1, count: owners.lastIndexOf(placed) - first + 1 };
}

function counted(owners: readonly PlacedChange[], edits: readonly number[], what: string): UnfitEdit[] {
  const byChange = Map.groupBy(edits, (edit) => owners[edit] as PlacedChange);
  return [...byChange].map(([placed, own]) => {
    const first = owners.indexOf(placed);
    const count = owners.lastIndexOf(placed) - first + 1;
    const numbers = rangesOf(own.map((edit) => edit - first + 1));
    const message = `${own.length} more of its ${count} edits ${what}: ${numbers}`;
    return { placed, reproach: { reason: 'no_match', message } };
  });
}

/** Ascending numbers as in `3, 5–8`, the first fifty pieces of them. */
function rangesOf(numbers: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const number of numbers) {
    const range = ranges.at(-1);
    if (range?.last === number - 1) range.last = number;
    else ranges.push({ first: number, last: number });
  }
  const shown = ranges
    .slice(0, MAX_RANGES)
    .map(({ first, last }) => (first === last ? `${first}` : `${first}–${last}`));
  return [...shown, ...(ranges.length > MAX_RANGES ? ['…'] : [])].join(', ');
}
