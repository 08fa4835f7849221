import type { Change } from '@necrocode/contracts';
import { counter } from '@necrocode/telemetry';
import {
  applyAnswer,
  formatChangeProblems,
  writeChanges,
  type ApplyOutcome,
  type ChangedTree,
  type ChangeProblem,
  type Obstacle,
} from '@necrocode/workspace';
import type { StageFinding } from '../run-stage.js';
import type { Workspace } from './prepare-workspace.js';

const editsPlaced = counter('necrocode.edits', 'Edits of models by the layer of matching that placed them');

/**
 * Applies a change set to the tree and then to the work tree: all of it, or none.
 *
 * @param objections what else speaks against changes of the set
 * @param review finds what speaks against the files that the set leads to, before the first is written
 */
export async function applyChange(
  workspace: Workspace,
  current: ChangedTree,
  changes: readonly Change[],
  objections: readonly ChangeProblem[],
  review: (tree: ChangedTree) => Promise<readonly ChangeProblem[]>,
): Promise<ApplyOutcome> {
  const possible = objectedTo(await applyAnswer(current, changes), objections);
  const outcome = possible.kind === 'applied' ? objectedTo(possible, await review(possible.tree)) : possible;
  if (outcome.kind === 'applied') {
    const written = await writeChanges(workspace.workTree, current, outcome.tree);
    if (written.kind === 'obstructed') return obstructed(changes, written.obstacles);
    for (const { layer } of outcome.layers) editsPlaced.add(1, { 'necrocode.edit.layer': layer });
  }
  return outcome;
}

function objectedTo(outcome: ApplyOutcome, objections: readonly ChangeProblem[]): ApplyOutcome {
  if (objections.length === 0) return outcome;
  const problems = outcome.kind === 'refused' ? outcome.problems : [];
  return { kind: 'refused', problems: [...problems, ...objections].sort((a, b) => a.index - b.index) };
}

/** A command of the task made what stands there, so the model is told rather than the task failed. */
function obstructed(changes: readonly Change[], obstacles: readonly Obstacle[]): ApplyOutcome {
  const problems = obstacles.map(({ path, what, at }): ChangeProblem => {
    const index = changes.findIndex(
      (c) => c.file_path === path || (c.operation === 'rename' && c.new_path === path),
    );
    // An obstacle may also stand where an earlier answer's change is taken back.
    const { file_path, operation } = changes[index] ?? { file_path: path, operation: 'modify' };
    const message = `a command of this task has put ${what} at ${JSON.stringify(at)}, which is not written over; choose another path`;
    return { file_path, operation, index: Math.max(0, index), reason: 'obstructed', message };
  });
  return { kind: 'refused', problems };
}

/** What a trace tells of the outcome. */
export function findingOf(outcome: ApplyOutcome): StageFinding {
  switch (outcome.kind) {
    case 'applied':
      return { attributes: { 'necrocode.change.files': outcome.tree.overlay.size } };
    case 'no_effect':
      return { setback: { code: 'change_without_effect', message: 'the files are already like that' } };
    case 'refused':
      return { setback: { code: 'change_refused', message: formatChangeProblems(outcome.problems) } };
  }
}

/** How many edits of an outcome were placed at each layer of matching. */
export function layerCounts(applied: Extract<ApplyOutcome, { kind: 'applied' }>): Record<string, number> {
  const groups = Map.groupBy(applied.layers, ({ layer }) => layer);
  return Object.fromEntries([...groups].map(([layer, edits]) => [layer, edits.length]));
}
