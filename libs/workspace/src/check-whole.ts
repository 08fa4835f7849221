import { targetOf, type AnswerPlan } from './answer-plan.js';
import { problemOf, type ChangeProblem, type PlacedChange } from './change-problem.js';
import type { ChangedTree } from './changed-tree.js';
import { collisionsOf } from './colliding-paths.js';

const MAX_FILE_BYTES = 20 * 1_048_576;
const MAX_TOTAL_BYTES = 100 * 1_048_576;
const MAX_CHANGED_PATHS = 20_000;

/** What speaks against a tree as a whole: names that collide, and too much of it, all rounds of the task counted. */
export function checkWhole(tree: ChangedTree, plan: AnswerPlan): ChangeProblem[] {
  return [...describeCollisions(tree, plan), ...describeSize(tree, plan)];
}

function describeCollisions(tree: ChangedTree, plan: AnswerPlan): ChangeProblem[] {
  return collisionsOf(tree, plan.written.keys()).flatMap(({ path, other }) =>
    (plan.written.get(path) ?? []).map((placed) => {
      const message = `${JSON.stringify(path)} and ${JSON.stringify(other)} are one name on other file systems; choose another one`;
      return problemOf(placed, { reason: 'collision', message });
    }),
  );
}

function describeSize(tree: ChangedTree, { changes }: AnswerPlan): ChangeProblem[] {
  const large = changes.find(
    ({ change }) => givesContent(change) && sizeOf(tree, targetOf(change)) > MAX_FILE_BYTES,
  );
  if (large) return tooLarge(large, `the file becomes larger than ${MAX_FILE_BYTES} bytes`);
  const [first] = changes;
  if (!first) return [];
  const total = [...tree.overlay.keys()].reduce((sum, path) => sum + sizeOf(tree, path), 0);
  if (total > MAX_TOTAL_BYTES)
    return tooLarge(first, `the changed files are larger than ${MAX_TOTAL_BYTES} bytes together`);
  if (tree.overlay.size > MAX_CHANGED_PATHS)
    return tooLarge(first, `more than ${MAX_CHANGED_PATHS} files are changed`);
  return [];
}

/** A file that is only moved may be as large as it was. */
function givesContent(change: PlacedChange['change']): boolean {
  if (change.operation === 'delete') return false;
  return change.content !== undefined || (change.operation !== 'create' && change.edits !== undefined);
}

function sizeOf(tree: ChangedTree, path: string): number {
  const entry = tree.overlay.get(path);
  return entry?.kind === 'blob' ? entry.bytes.length : 0;
}

function tooLarge(placed: PlacedChange, message: string): ChangeProblem[] {
  return [problemOf(placed, { reason: 'too_large', message })];
}
