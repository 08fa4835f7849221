import { diffOf } from '@necrocode/workspace';
import type { AttemptRecord } from '../attempt-record.js';
import type { CommitDraft } from '../commit-draft.js';
import type { Workspace } from './prepare-workspace.js';

/** The change as a patch: what an earlier attempt decided, or the last change that was applied, if any. */
export async function drawDiff(
  { decided, change }: AttemptRecord,
  { graceGit, tree }: Workspace,
  draft: CommitDraft,
): Promise<Buffer | undefined> {
  if (decided?.byEarlierAttempt) return diffOf(graceGit, decided.baseCommit, decided.commit);
  if (!change || change.overlay.size === 0 || change.base !== tree) return undefined;
  return (await draft.take(change)).diff;
}
