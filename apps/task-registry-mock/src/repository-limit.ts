import { makeReady, unblock } from './make-ready.js';
import { admitInTurn } from './fair-share.js';
import type { Change } from './registry.js';
import { currentRuns, runColumns, type Run } from './runs.js';

/** The name under which a repository is counted: a trailing slash or `.git` makes no other one. */
export function repositoryOf(repoUrl: string): string {
  return repoUrl.replace(/\/+$/, '').replace(/\.git$/, '');
}

export function runningIn({ sql }: Change, repository: string): number {
  const { running } = sql(
    `SELECT count(*) AS running FROM runs WHERE state = 'running' AND repository = ?`,
  ).get(repository) as { running: number };
  return running;
}

/** How many more tasks of a repository may run now. */
export function freeInRepository(change: Change, repository: string): number {
  const { maxInFlightPerRepo } = change.limits;
  if (maxInFlightPerRepo === 0) return Infinity;
  return maxInFlightPerRepo - runningIn(change, repository);
}

/**
 * Puts the most urgent tasks that wait for room in a repository, and of these the ones that waited longest,
 * back into their queues. To be called
 * whenever a run stops being ready or running. One that comes too late for the room is parked again.
 */
export function admitWaiting(change: Change, repository: string): void {
  const free = freeInRepository(change, repository);
  const statement = change.sql(
    `SELECT ${runColumns} FROM ${currentRuns}
     WHERE r.state = 'blocked' AND r.repository = ? AND r.blocked_by = 'repository_limit'
     ORDER BY CASE r.priority WHEN 'high' THEN 0 WHEN 'normal' THEN 1 ELSE 2 END, r.created_at, t.id LIMIT ?`,
  );
  const waiting = statement.all(repository, Number.isFinite(free) ? Math.max(free, 0) : -1);
  for (const run of waiting as unknown as Run[]) unblock(change, run);
  admitInTurn(change);
}

/** For the start of the process: the limit may have been raised since the tasks were parked. */
export function admitAllWaiting(change: Change): void {
  const repositories = change
    .sql(`SELECT DISTINCT repository FROM runs WHERE state = 'blocked' AND blocked_by = 'repository_limit'`)
    .all() as { repository: string }[];
  for (const { repository } of repositories) admitWaiting(change, repository);
  admitInTurn(change);
}

/** Gives a run back whose lease has ended without a result, and its room to whoever waited longest. */
export function giveBack(change: Change, run: Run, delaySeconds = 0): Run {
  const ready = makeReady(change, run, delaySeconds);
  admitWaiting(change, run.repository);
  return ready;
}
