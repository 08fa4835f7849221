import { buildCommit, diffOf } from '@necrocode/workspace';
import type { AttemptRecord } from '../attempt-record.js';
import type { Workspace } from './prepare-workspace.js';

/** Where a change that is not pushed is written down, in the slot's own git dir. */
const scratchBranch = 'necrocode/unfinished';

/** The change as a patch: the decided commit's, or that of the last change that was applied. */
export async function drawDiff(record: AttemptRecord, workspace: Workspace): Promise<Buffer | undefined> {
  const { graceGit: git, base } = workspace;
  if (record.decided) return diffOf(git, record.decided.baseCommit, record.decided.commit);
  if (!record.change || record.change.overlay.size === 0) return undefined;
  const { commit } = await buildCommit(git, {
    base,
    branch: scratchBranch,
    overlay: record.change.overlay,
    message: 'unfinished',
    author: { name: 'unfinished', email: 'unfinished' },
    date: new Date(),
  });
  return diffOf(git, base, commit);
}
