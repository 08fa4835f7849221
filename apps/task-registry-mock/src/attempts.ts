import type { Change } from './registry.js';
import type { Run } from './runs.js';

export type AttemptOutcome = 'done' | 'failed' | 'cancelled' | 'released' | 'expired';

export function beginAttempt({ sql, now }: Change, run: Run): void {
  sql(
    `INSERT INTO attempts (task, run, attempt, runner_id, fencing_token, started_at, outcome)
     VALUES (?, ?, ?, ?, ?, ?, 'running')`,
  ).run(run.task, run.run, run.attempt, run.runnerId, run.fencingToken, now);
}

/** Nothing happens when no attempt is under way. */
export function endAttempt({ sql, now }: Change, run: Run, outcome: AttemptOutcome): void {
  sql(
    `UPDATE attempts SET ended_at = ?, outcome = ?
     WHERE task = ? AND run = ? AND attempt = ? AND outcome = 'running'`,
  ).run(now, outcome, run.task, run.run, run.attempt);
}
