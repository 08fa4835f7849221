import type { Change } from '@necrocode/contracts';
import { applyAnswer, writeChanges, type ApplyOutcome, type ChangedTree } from '@necrocode/workspace';
import type { Workspace } from './prepare-workspace.js';

/** Applies a change set to the tree and then to the work tree: all of it, or none. */
export async function applyChange(
  workspace: Workspace,
  current: ChangedTree,
  changes: readonly Change[],
): Promise<ApplyOutcome> {
  const outcome = await applyAnswer(current, changes);
  if (outcome.kind === 'applied') await writeChanges(workspace.workTree, current, outcome.tree);
  return outcome;
}
