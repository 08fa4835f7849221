import type { taskRegistry } from '@necrocode/contracts';
import { recordEvent } from './outbox.js';
import { badRequest } from './refusals.js';
import type { Change, Sql } from './registry.js';
import { updateRun, type Run } from './runs.js';

type DecidedCommit = taskRegistry.DecidedCommit;

/**
 * Makes a commit the run's commit, unless another one is already.
 *
 * @returns the commit that is decided
 * @throws INVALID_ARGUMENT for a commit that is not whole
 */
export function decideCommit(change: Change, run: Run, commit: DecidedCommit): DecidedCommit {
  const decided = decidedCommitOf(run);
  if (decided) return decided;
  for (const field of ['commit', 'tree', 'baseCommit'] as const) {
    if (!objectId.test(commit[field])) throw badRequest(`commit: ${field} must be the hash of a git object`);
  }
  if (commit.branch === '') throw badRequest('commit: branch is required');
  const next = updateRun(change, run, { decidedJson: JSON.stringify(commit) });
  recordEvent(change, next, 'CommitDecided', {
    commit: commit.commit,
    tree: commit.tree,
    base_commit: commit.baseCommit,
    branch: commit.branch,
  });
  return commit;
}

export function decidedCommitOf(run: Run): DecidedCommit | undefined {
  return run.decidedJson === null ? undefined : (JSON.parse(run.decidedJson) as DecidedCommit);
}

/** Hashes that earlier runs of the task decided, the newest last. */
export function earlierCommits(sql: Sql, run: Run): string[] {
  const rows = sql(
    `SELECT decided_json ->> '$.commit' AS hash FROM runs
     WHERE task = ? AND run < ? AND decided_json IS NOT NULL ORDER BY run`,
  ).all(run.task, run.run) as { hash: string }[];
  return rows.map(({ hash }) => hash);
}

const objectId = /^([0-9a-f]{40}|[0-9a-f]{64})$/;
