import type { TaskKey } from '@necrocode/contracts';
import { endedInstead } from './attempt-limits.js';
import { endAttempt } from './attempts.js';
import { dependencyStanding } from './dependencies.js';
import { holdLease, isForLastLook } from './lease.js';
import { unblock } from './make-ready.js';
import { block } from './open-run.js';
import { notNow } from './refusals.js';
import type { Change } from './registry.js';
import { admitWaiting, giveBack } from './repository-limit.js';
import { nameOf, requireRun, updateRun, type Run } from './runs.js';

/**
 * Takes a task out of its queue until UnparkTask: a ready one with fencing token 0, a running one by
 * its runner. Parking what is parked changes nothing.
 *
 * @throws FAILED_PRECONDITION in any other state
 */
export function parkTask(change: Change, key: TaskKey, fencingToken: bigint, reason: string): Run {
  const run = fencingToken === 0n ? requireRun(change.sql, key) : holdLease(change.sql, key, fencingToken);
  if (run.blockedBy === 'parked') return run;
  if (fencingToken === 0n && run.state !== 'ready') {
    throw notNow(`${nameOf(run)} is ${run.state}; only a ready task can be parked without its lease`);
  }
  endAttempt(change, run, 'released');
  const ended = endedInstead(change, run);
  if (ended) return ended;
  if (isForLastLook(run, change.limits)) return run.state === 'ready' ? run : giveBack(change, run);
  const parked = block(change, run, 'parked', reason || 'parked by request');
  admitWaiting(change, run.repository);
  return parked;
}

/**
 * Ends the parking. A task that still waits for dependencies goes on waiting for those; one that is not
 * parked stays as it is.
 *
 * @throws FAILED_PRECONDITION when it waits for something else than this call
 */
export function unparkTask(change: Change, run: Run): Run {
  if (run.state !== 'blocked') return run;
  if (run.blockedBy !== 'parked') throw notNow(`${nameOf(run)} ${run.blockedReason}`);
  const standing = dependencyStanding(change.sql, run);
  if (standing.kind === 'met') return unblock(change, run);
  const waitingFor = standing.kind === 'open' ? standing.waitingFor.join(', ') : 'its dependencies';
  return updateRun(change, run, { blockedBy: 'dependencies', blockedReason: `waits for ${waitingFor}` });
}
