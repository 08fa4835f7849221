import type { Change } from '@necrocode/contracts';
import type { PlacedChange, Reproach } from './change-problem.js';
import type { ChangedTree } from './changed-tree.js';
import { similarPathsOf } from './similar-paths.js';

/** The changes of one answer by the paths they empty and the paths they fill. */
export interface AnswerPlan {
  readonly changes: readonly PlacedChange[];
  readonly removed: ReadonlyMap<string, readonly PlacedChange[]>;
  readonly written: ReadonlyMap<string, readonly PlacedChange[]>;
  /** Existing paths like those that do not exist, for the first twenty of them. */
  readonly similar: ReadonlyMap<string, readonly string[]>;
}

/** Each wrong path is compared with the name of every file: an answer may have thousands of both. */
const MAX_COMPARED_PATHS = 20;

export function planAnswer(view: ChangedTree, changes: readonly Change[]): AnswerPlan {
  const placed = changes.map((change, index) => ({ change, index }));
  const removed = Map.groupBy(
    placed.filter(({ change }) => change.operation === 'delete' || change.operation === 'rename'),
    ({ change }) => change.file_path,
  );
  const written = Map.groupBy(
    placed.filter(({ change }) => change.operation !== 'delete'),
    ({ change }) => targetOf(change),
  );
  const unknown = new Set<string>();
  for (const change of changes) {
    if (unknown.size === MAX_COMPARED_PATHS) break;
    if (change.operation !== 'create' && !view.has(change.file_path)) unknown.add(change.file_path);
  }
  return { changes: placed, removed, written, similar: similarPathsOf([...unknown], view.paths()) };
}

/** The path in which a change ends. */
export function targetOf(change: Change): string {
  return change.operation === 'rename' ? change.new_path : change.file_path;
}

/** Whether an answer of an earlier round made this very rename, so that it is only said again. */
export function isRestatedRename(view: ChangedTree, change: Change): boolean {
  if (change.operation !== 'rename' || view.has(change.file_path)) return false;
  return view.history.renames.get(change.new_path) === change.file_path && view.has(change.new_path);
}

/** Whether a change fits the tree it was made for and the other changes of its answer. */
export function checkPlaces(view: ChangedTree, plan: AnswerPlan, placed: PlacedChange): Reproach | undefined {
  const { change } = placed;
  const clash = checkOthers(plan, placed);
  if (clash) return clash;
  switch (change.operation) {
    case 'create':
      return checkFree(view, plan, change.file_path, view.history.touched.has(change.file_path));
    case 'modify':
      return checkSource(view, plan, change) ?? checkRegular(view, change.file_path);
    case 'rename': {
      const changed = change.content !== undefined || change.edits || change.executable !== undefined;
      if (isRestatedRename(view, change)) return changed ? checkRegular(view, change.new_path) : undefined;
      const source =
        checkSource(view, plan, change) ?? (changed ? checkRegular(view, change.file_path) : undefined);
      return source ?? checkFree(view, plan, change.new_path, false);
    }
    case 'delete':
      return view.history.touched.has(change.file_path) ? undefined : checkSource(view, plan, change);
  }
}

function checkOthers({ removed, written }: AnswerPlan, { change }: PlacedChange): Reproach | undefined {
  const target = targetOf(change);
  const writers = change.operation === 'delete' ? [] : (written.get(target) ?? []);
  if (writers.length > 1 && !writers.every(({ change: c }) => c.operation === 'modify' && c.edits)) {
    const numbers = writers.map(({ index }) => index + 1).join(', ');
    return {
      reason: 'same_path',
      message: `changes ${numbers} end in the same path ${JSON.stringify(target)}; put them into one change`,
    };
  }
  const removers = removed.get(change.file_path) ?? [];
  const renamer = removers.find(({ change: c }) => c.operation === 'rename');
  if (change.operation === 'modify' && removers.length > 0) {
    const how = renamer
      ? 'renamed; put the content or the edits into the rename'
      : 'deleted; leave one of the two out';
    return { reason: 'same_path', message: `the same answer modifies this file and says it is ${how}` };
  }
  const removes = change.operation === 'delete' || change.operation === 'rename';
  if (removes && renamer && removers.length > 1) {
    return { reason: 'same_path', message: 'the same answer renames this file and removes it a second time' };
  }
  return undefined;
}

function checkFree(
  view: ChangedTree,
  plan: AnswerPlan,
  path: string,
  mayReplace: boolean,
): Reproach | undefined {
  if (!view.has(path) || mayReplace || plan.removed.has(path)) return undefined;
  const way = 'use modify to change it, or delete or rename it in the same answer';
  return { reason: 'exists', message: `${JSON.stringify(path)} exists already; ${way}` };
}

function checkSource(view: ChangedTree, plan: AnswerPlan, change: Change): Reproach | undefined {
  const path = change.file_path;
  if (view.has(path)) return undefined;
  if (view.isDirectory(path)) {
    return { reason: 'not_a_file', message: 'this is a directory; name its files, one change for each' };
  }
  return { reason: 'missing', message: `the file does not exist; ${hintAtMissing(view, plan, path)}` };
}

function hintAtMissing(view: ChangedTree, plan: AnswerPlan, path: string): string {
  for (const [now, before] of view.history.renames) {
    if (before === path && view.has(now)) return `an earlier round renamed it to ${JSON.stringify(now)}`;
  }
  if (view.history.touched.has(path)) return 'an earlier round removed it; use create to bring it back';
  const similar = plan.similar.get(path) ?? [];
  if (similar.length === 0) return 'use create for a new file';
  return `similar paths: ${similar.map((p) => JSON.stringify(p)).join(', ')}`;
}

function checkRegular(view: ChangedTree, path: string): Reproach | undefined {
  const mode = view.mode(path);
  if (mode === '120000') {
    return {
      reason: 'not_a_file',
      message: 'this is a symbolic link; it can be renamed or deleted, not changed',
    };
  }
  if (mode === '160000') {
    return {
      reason: 'not_a_file',
      message: 'this is a submodule; it can be renamed or deleted, not changed',
    };
  }
  return undefined;
}
