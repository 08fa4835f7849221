import type { Change, Sql } from './registry.js';
import type { Run } from './runs.js';

export type AttemptOutcome = 'done' | 'failed' | 'cancelled' | 'released' | 'expired';

/** @param traceparent trace context of the claim; empty when it was not told */
export function beginAttempt({ sql, now }: Change, run: Run, traceparent: string): void {
  sql(
    `INSERT INTO attempts (task, run, attempt, runner_id, fencing_token, started_at, outcome, traceparent)
     VALUES (?, ?, ?, ?, ?, ?, 'running', ?)`,
  ).run(run.task, run.run, run.attempt, run.runnerId, run.fencingToken, now, traceparent);
}

/** The attempts of a run before its present one, as far as their traces are known, the oldest first. */
export function earlierAttempts(sql: Sql, run: Run): { attempt: number; traceparent: string }[] {
  return sql(
    `SELECT attempt, traceparent FROM attempts
     WHERE task = ? AND run = ? AND attempt < ? AND traceparent <> '' ORDER BY attempt`,
  ).all(run.task, run.run, run.attempt) as unknown as { attempt: number; traceparent: string }[];
}

/** Nothing happens when no attempt is under way. */
export function endAttempt({ sql, now }: Change, run: Run, outcome: AttemptOutcome): void {
  sql(
    `UPDATE attempts SET ended_at = ?, outcome = ?
     WHERE task = ? AND run = ? AND attempt = ? AND outcome = 'running'`,
  ).run(now, outcome, run.task, run.run, run.attempt);
}

/** What was said when the last attempt that ended without a result did. */
export function lastEndingOf(sql: Sql, run: Run): string | undefined {
  const row = sql(
    `SELECT coalesce(data_json ->> '$.reason', ?) AS reason FROM events
     WHERE task = ? AND run = ? AND type IN ('LeaseReleased', 'LeaseExpired') ORDER BY sequence DESC LIMIT 1`,
  ).get(silence, run.task, run.run) as { reason: string } | undefined;
  return row?.reason;
}

/** Why an attempt ended whose lease ran out. */
export const silence = 'its runner fell silent';
