import type { TaskKey } from '@necrocode/contracts';
import { counter } from '@necrocode/telemetry';
import { countAttempt, endedInstead, needsLastLook, pauseAfter, verdictOn } from './attempt-limits.js';
import { beginAttempt, endAttempt, silence } from './attempts.js';
import { withoutLease } from './make-ready.js';
import { recordEvent } from './outbox.js';
import { badRequest, notNow } from './refusals.js';
import type { Change, RegistryLimits, Sql } from './registry.js';
import { giveBack } from './repository-limit.js';
import { currentRuns, findRunByToken, nameOf, requireRun, runColumns, updateRun, type Run } from './runs.js';
import { hasEnded } from './task-states.js';

const leasesExpired = counter(
  'necrocode.registry.leases.expired',
  'Leases of runners that fell silent',
  '{lease}',
);
// An alert on the first one needs the value before it.
leasesExpired.add(0);

const longestLeaseSeconds = 24 * 60 * 60;

/** Who asks for a lease, for how long, and under which trace. */
export interface Applicant {
  readonly runnerId: string;
  readonly leaseSeconds: number;
  /** Empty when it was not told. */
  readonly traceparent: string;
}

/** Gives a ready run to a runner, under a fencing token higher than any before. */
export function grantLease(
  change: Change,
  run: Run,
  { runnerId, leaseSeconds, traceparent }: Applicant,
): Run {
  const { token } = change
    .sql(`UPDATE counters SET value = value + 1 WHERE name = 'fencing_token' RETURNING value AS token`)
    .get() as { token: number };
  const looks = isForLastLook(run, change.limits);
  const granted = updateRun(change, run, {
    state: 'running',
    runnerId,
    attempt: run.attempt + 1,
    fencingToken: token,
    leaseExpiresAt: expiryAfter(change, leaseSeconds),
    leaseSeconds,
    startedAt: run.startedAt ?? change.now,
    lastLooks: run.lastLooks + (looks ? 1 : 0),
  });
  beginAttempt(change, granted, traceparent);
  recordEvent(change, granted, 'TaskClaimed', { runner_id: runnerId, fencing_token: token });
  return granted;
}

/** True when a runner would get it only to look whether the remote has its commit. */
export function isForLastLook(run: Run, limits: RegistryLimits): boolean {
  return verdictOn(run, limits) !== undefined && needsLastLook(run);
}

/**
 * The run whose lease a caller holds. A lease past its end still holds while nobody has taken it.
 *
 * @throws NOT_FOUND, or FAILED_PRECONDITION when the lease is lost
 */
export function holdLease(sql: Sql, key: TaskKey, fencingToken: bigint): Run {
  const run = requireRun(sql, key);
  if (run.state !== 'running') throw notNow(`the lease is lost: ${nameOf(run)} is ${run.state}`);
  if (BigInt(run.fencingToken) !== fencingToken) {
    throw notNow(
      `the lease is lost: ${nameOf(run)} has fencing token ${run.fencingToken}, not ${fencingToken}`,
    );
  }
  return run;
}

/**
 * The run whose lease a caller holds, or held when the run ended: for what it may still add afterwards.
 *
 * @throws NOT_FOUND, or FAILED_PRECONDITION when the lease was lost before the end
 */
export function lastHeld(sql: Sql, key: TaskKey, fencingToken: bigint): Run {
  const current = requireRun(sql, key);
  const run = findRunByToken(sql, current.task, fencingToken);
  return run && hasEnded(run.state) ? run : holdLease(sql, key, fencingToken);
}

export function renewLease(change: Change, run: Run, leaseSeconds: number): Run {
  return updateRun(change, run, { leaseExpiresAt: expiryAfter(change, leaseSeconds), leaseSeconds });
}

/** A released task does not wait longer than this. */
const longestDelaySeconds = 3_600;

/**
 * Ends a lease without a result: the task goes back to its queue, unless somebody has cancelled it or it
 * has used up its attempts.
 *
 * @param reason an error code, and what there is to say about it after a colon
 * @param delaySeconds the task waits for at least so long
 */
export function releaseLease(change: Change, run: Run, reason: string, delaySeconds: number): Run {
  const stopped = /^shutting_down\b/.test(reason);
  endAttempt(change, run, 'released');
  // Who stops runners, however often, does not use a task up.
  const counted = stopped ? run : countAttempt(change, run, 'failed');
  // Whoever has cancelled waits for the end.
  const hurried = stopped || run.cancelReason !== null;
  const wanted = Math.max(delaySeconds, hurried ? 0 : pauseAfter(counted.failedAttempts));
  const delay = Math.min(wanted, longestDelaySeconds);
  recordEvent(change, counted, 'LeaseReleased', { runner_id: run.runnerId, reason, delay_seconds: delay });
  return endedInstead(change, counted, reason) ?? giveBack(change, counted, delay);
}

/** The same for a lease that ran out. */
export function expireLease(change: Change, run: Run): Run {
  const counted = noteExpiry(change, run);
  return endedInstead(change, counted, silence) ?? giveBack(change, counted);
}

/** Ends an expired lease whose task is being claimed at this moment, so need not be published. */
export function takeOverLease(change: Change, run: Run): Run {
  const counted = noteExpiry(change, run);
  return (
    endedInstead(change, counted, silence) ?? updateRun(change, counted, { ...withoutLease, state: 'ready' })
  );
}

/** Whether a lease's holder is to stop working. A last look is what a cancelled run waits for. */
export function mustStop({ cancelReason, lastLooks }: Run): boolean {
  return cancelReason !== null && lastLooks === 0;
}

export function hasExpired(run: Run, now: number): boolean {
  return run.leaseExpiresAt !== null && run.leaseExpiresAt <= now;
}

/** Running runs whose lease has run out, at most 100. */
export function expiredRuns(sql: Sql, now: number): Run[] {
  return sql(
    `SELECT ${runColumns} FROM ${currentRuns}
     WHERE r.state = 'running' AND r.lease_expires_at <= ? ORDER BY r.lease_expires_at LIMIT 100`,
  ).all(now) as unknown as Run[];
}

/** A runner whose calls failed comes back within about 2 s (the channel's reconnect backoff). */
const shortestGraceSeconds = 5;

/**
 * Leases could not be renewed while the registry was away. They count as renewed at this moment, since
 * their holders renew them several times within their length.
 */
export function extendLeases({ sql, now }: Change): void {
  sql(
    `UPDATE runs SET lease_expires_at = max(lease_expires_at, ? + max(lease_seconds, ?) * 1000)
     WHERE state = 'running'`,
  ).run(now, shortestGraceSeconds);
}

function expiryAfter({ now }: Change, leaseSeconds: number): number {
  if (leaseSeconds < 1 || leaseSeconds > longestLeaseSeconds) {
    throw badRequest(`lease_seconds must be 1 to ${longestLeaseSeconds}`);
  }
  return now + leaseSeconds * 1000;
}

function noteExpiry(change: Change, run: Run): Run {
  leasesExpired.add(1);
  endAttempt(change, run, 'expired');
  recordEvent(change, run, 'LeaseExpired', { runner_id: run.runnerId, fencing_token: run.fencingToken });
  return countAttempt(change, run, 'lost');
}
