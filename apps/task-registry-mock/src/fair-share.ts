import type { QueuePlace } from '@necrocode/contracts';
import { unblock } from './make-ready.js';
import type { Change } from './registry.js';
import { runningIn } from './repository-limit.js';
import { currentRuns, runColumns, type Run } from './runs.js';

/**
 * The stream is first come, first served: many tasks of one repository would make all others wait. So a
 * repository that has its share running lets those go first that have not, and its tasks wait here. Without
 * anybody to let go first the share limits nothing.
 */
export function isOverShare(change: Change, run: Run): boolean {
  const { fairSharePerRepo } = change.limits;
  if (fairSharePerRepo === 0 || runningIn(change, run.repository) < fairSharePerRepo) return false;
  return othersWait(change, run);
}

/** Tasks of one repository that are put back into a queue ahead: enough to keep runners busy. */
const ahead = 32;

/**
 * Puts tasks back into their queues whose turn has come: the oldest first, and only a few of them, so that
 * not all have to be taken out again for the next task of another repository. To be called whenever a task
 * starts, ends or stops being ready.
 */
export function admitInTurn(change: Change): void {
  for (const place of waitingPlaces(change)) {
    const { fairSharePerRepo } = change.limits;
    const contested = fairSharePerRepo > 0 && othersWait(change, place);
    const room = contested ? fairSharePerRepo - runningIn(change, place.repository) : ahead;
    const free = Math.min(room, ahead) - readyAt(change, place);
    for (const run of free > 0 ? waitingLongest(change, place, free) : []) unblock(change, run);
  }
}

interface RepositoryPlace extends QueuePlace {
  readonly repository: string;
}

/** Whether another repository that has less than its share has a task ready at the same place. */
function othersWait(change: Change, { queue, priority, repository }: RepositoryPlace): boolean {
  const others = change.sql(
    `SELECT 1 FROM runs r
     WHERE r.state = 'ready' AND r.queue = :queue AND r.priority = :priority AND r.ready_since <= :now
       AND (r.repository < :repository OR r.repository > :repository)
       AND (SELECT count(*) FROM runs x WHERE x.state = 'running' AND x.repository = r.repository) < :share
     LIMIT 1`,
  );
  const share = change.limits.fairSharePerRepo;
  return others.get({ queue, priority, repository, share, now: change.now }) !== undefined;
}

function waitingPlaces({ sql }: Change): RepositoryPlace[] {
  return sql(
    `SELECT DISTINCT repository, queue, priority FROM runs
     WHERE state = 'blocked' AND blocked_by = 'fair_share'`,
  ).all() as unknown as RepositoryPlace[];
}

function waitingLongest({ sql }: Change, place: RepositoryPlace, count: number): Run[] {
  return sql(
    `SELECT ${runColumns} FROM ${currentRuns}
     WHERE r.state = 'blocked' AND r.blocked_by = 'fair_share'
       AND r.repository = ? AND r.queue = ? AND r.priority = ?
     ORDER BY r.created_at, t.id LIMIT ?`,
  ).all(place.repository, place.queue, place.priority, count) as unknown as Run[];
}

function readyAt({ sql }: Change, { repository, queue, priority }: RepositoryPlace): number {
  const { ready } = sql(
    `SELECT count(*) AS ready FROM runs
     WHERE state = 'ready' AND queue = ? AND priority = ? AND repository = ?`,
  ).get(queue, priority, repository) as { ready: number };
  return ready;
}
