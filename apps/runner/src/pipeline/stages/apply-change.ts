import type { Change } from '@necrocode/contracts';
import { counter } from '@necrocode/telemetry';
import {
  applyAnswer,
  writeChanges,
  type ApplyOutcome,
  type ChangedTree,
  type ChangeProblem,
} from '@necrocode/workspace';
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
    await writeChanges(workspace.workTree, current, outcome.tree);
    for (const { layer } of outcome.layers) editsPlaced.add(1, { 'necrocode.edit.layer': layer });
  }
  return outcome;
}

function objectedTo(outcome: ApplyOutcome, objections: readonly ChangeProblem[]): ApplyOutcome {
  if (objections.length === 0) return outcome;
  const problems = outcome.kind === 'refused' ? outcome.problems : [];
  return { kind: 'refused', problems: [...problems, ...objections].sort((a, b) => a.index - b.index) };
}

/** How many edits of an outcome were placed at each layer of matching. */
export function layerCounts(applied: Extract<ApplyOutcome, { kind: 'applied' }>): Record<string, number> {
  const groups = Map.groupBy(applied.layers, ({ layer }) => layer);
  return Object.fromEntries([...groups].map(([layer, edits]) => [layer, edits.length]));
}
