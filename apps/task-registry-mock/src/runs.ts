import { formatKey, type Priority, type TaskKey } from '@necrocode/contracts';
import type { Change, Sql } from './registry.js';
import { notFound } from './refusals.js';
import { assertTransition, type RunState } from './task-states.js';

/**
 * What a blocked run waits for: its dependencies, room in its repository, its turn among the repositories,
 * or somebody's UnparkTask.
 */
export type BlockedBy = 'dependencies' | 'repository_limit' | 'fair_share' | 'parked';

/** What every run has and keeps. */
interface RunIdentity {
  /** Row id of the task. */
  readonly task: number;
  readonly specName: string;
  readonly taskId: string;
  readonly run: number;
  readonly digest: string;
  readonly queue: string;
  readonly priority: Priority;
  readonly traceparent: string;
  readonly repository: string;
  readonly branch: string;
  readonly requiredSkill: string;
  readonly createdAt: number;
  /** When its message was stored, where that is known. */
  readonly publishedAt: number | null;
}

interface RunProgress {
  readonly state: RunState;
  /** Since when its message should be in the queue, while it is ready. */
  readonly readySince: number;
  readonly stage: string;
  /** Empty while nobody works on it. */
  readonly runnerId: string;
  /** Attempts so far. */
  readonly attempt: number;
  /** Of these, how many failed without ending the run. */
  readonly failedAttempts: number;
  /** Of these, how many ended because their runner died or was stopped. */
  readonly lostAttempts: number;
  /** Of these, how many were only to look whether the remote has the decided commit. */
  readonly lastLooks: number;
  /** Of the latest lease. */
  readonly fencingToken: number;
  readonly leaseExpiresAt: number | null;
  /** How long the latest lease was granted or renewed for. */
  readonly leaseSeconds: number;
  /** Null until somebody asks to cancel. */
  readonly cancelReason: string | null;
  readonly blockedBy: BlockedBy | null;
  readonly blockedReason: string;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly decidedJson: string | null;
}

export type Run = RunIdentity & RunProgress;
export type DocumentKind = 'task' | 'headers' | 'checkpoint' | 'result';

/** Columns of a run, of `runs r` and `tasks t`, under the names of `Run`. */
export const runColumns = `
  r.task, t.spec_name AS specName, t.task_id AS taskId, r.run, r.digest, r.queue, r.priority, r.traceparent,
  r.repository, r.branch, r.required_skill AS requiredSkill, r.created_at AS createdAt,
  r.published_at AS publishedAt, r.state,
  r.ready_since AS readySince, r.stage,
  r.runner_id AS runnerId, r.attempt, r.fencing_token AS fencingToken, r.lease_expires_at AS leaseExpiresAt,
  r.lease_seconds AS leaseSeconds,
  r.cancel_reason AS cancelReason, r.blocked_by AS blockedBy, r.blocked_reason AS blockedReason,
  r.failed_attempts AS failedAttempts, r.lost_attempts AS lostAttempts,
  r.last_looks AS lastLooks, r.started_at AS startedAt, r.finished_at AS finishedAt, r.decided_json AS decidedJson`;

/** The current runs of all tasks. */
export const currentRuns = `tasks t JOIN runs r ON r.task = t.id AND r.run = t.run`;

export function keyOfRun({ specName, taskId }: TaskKey): TaskKey {
  return { specName, taskId };
}

/** The current run of a key. */
export function findRun(sql: Sql, key: TaskKey): Run | undefined {
  const statement = sql(`SELECT ${runColumns} FROM ${currentRuns} WHERE t.spec_name = ? AND t.task_id = ?`);
  return statement.get(key.specName, key.taskId) as Run | undefined;
}

/** @throws NOT_FOUND */
export function requireRun(sql: Sql, key: TaskKey): Run {
  const run = findRun(sql, key);
  if (!run) throw notFound(key);
  return run;
}

/** A run of a task, unless a later one has taken its place. */
export function findRunOf(sql: Sql, task: number, run: number): Run | undefined {
  const statement = sql(`SELECT ${runColumns} FROM ${currentRuns} WHERE t.id = ? AND r.run = ?`);
  return statement.get(task, run) as Run | undefined;
}

/** The latest run of a task that had this content. */
export function findRunByDigest(sql: Sql, task: number, digest: string): Run | undefined {
  const statement = sql(
    `SELECT ${runColumns} FROM tasks t JOIN runs r ON r.task = t.id
     WHERE r.task = ? AND r.digest = ? ORDER BY r.run DESC LIMIT 1`,
  );
  return statement.get(task, digest) as Run | undefined;
}

/** The run of a task whose latest lease had this token. Tokens that ever were leases are not 0. */
export function findRunByToken(sql: Sql, task: number, fencingToken: bigint): Run | undefined {
  const statement = sql(
    `SELECT ${runColumns} FROM tasks t JOIN runs r ON r.task = t.id
     WHERE r.task = ? AND r.fencing_token = ? AND r.fencing_token > 0`,
  );
  return statement.get(task, fencingToken) as Run | undefined;
}

export type NewRun = Omit<RunIdentity, 'task' | 'run' | 'createdAt'>;

/** Adds the next run of a key, or the first one of a new key, in state ready. */
export function insertRun({ sql, now }: Change, identity: NewRun, taskJson: string): Run {
  const { specName, taskId } = identity;
  const { task, run } = sql(
    `INSERT INTO tasks (spec_name, task_id, run) VALUES (?, ?, 1)
     ON CONFLICT (spec_name, task_id) DO UPDATE SET run = run + 1 RETURNING id AS task, run`,
  ).get(specName, taskId) as { task: number; run: number };
  sql(
    `INSERT INTO runs (task, run, state, digest, queue, priority, traceparent, repository, branch,
       required_skill, stage, runner_id, attempt, fencing_token, blocked_reason, created_at, ready_since,
       published_at)
     VALUES (?, ?, 'ready', ?, ?, ?, ?, ?, ?, ?, '', '', 0, 0, '', ?, ?, ?)`,
  ).run(
    task,
    run,
    identity.digest,
    identity.queue,
    identity.priority,
    identity.traceparent,
    identity.repository,
    identity.branch,
    identity.requiredSkill,
    now,
    now,
    identity.publishedAt,
  );
  const inserted: Run = { ...identity, ...fresh, task, run, createdAt: now, readySince: now };
  saveDocument({ sql }, inserted, 'task', taskJson);
  return inserted;
}

/**
 * Writes new facts of a run.
 *
 * @throws RunnerError `internal` for a state that may not follow the present one
 */
export function updateRun({ sql }: Change, run: Run, facts: Partial<RunProgress>): Run {
  if (facts.state !== undefined && facts.state !== run.state) assertTransition(run.state, facts.state);
  const next: Run = { ...run, ...facts };
  sql(
    `UPDATE runs SET state = ?, stage = ?, runner_id = ?, attempt = ?, fencing_token = ?,
       lease_expires_at = ?, cancel_reason = ?, blocked_by = ?, blocked_reason = ?, started_at = ?,
       finished_at = ?, decided_json = ?, failed_attempts = ?, lost_attempts = ?, lease_seconds = ?, ready_since = ?, last_looks = ?
     WHERE task = ? AND run = ?`,
  ).run(
    next.state,
    next.stage,
    next.runnerId,
    next.attempt,
    next.fencingToken,
    next.leaseExpiresAt,
    next.cancelReason,
    next.blockedBy,
    next.blockedReason,
    next.startedAt,
    next.finishedAt,
    next.decidedJson,
    next.failedAttempts,
    next.lostAttempts,
    next.leaseSeconds,
    next.readySince,
    next.lastLooks,
    next.task,
    next.run,
  );
  return next;
}

/** A run that came without a trace belongs to that of its first claim, with all that is published of it. */
export function adoptTrace({ sql }: Change, run: Run, traceparent: string): Run {
  if (run.traceparent !== '' || traceparent === '') return run;
  sql('UPDATE runs SET traceparent = ? WHERE task = ? AND run = ?').run(traceparent, run.task, run.run);
  return { ...run, traceparent };
}

export function saveDocument({ sql }: { sql: Sql }, run: Run, kind: DocumentKind, body: string): void {
  sql(
    `INSERT INTO documents (task, run, kind, body) VALUES (?, ?, ?, ?)
     ON CONFLICT (task, run, kind) DO UPDATE SET body = excluded.body`,
  ).run(run.task, run.run, kind, body);
}

/** Empty when there is none. */
export function documentOf(sql: Sql, run: Run, kind: DocumentKind): string {
  const row = sql('SELECT body FROM documents WHERE task = ? AND run = ? AND kind = ?').get(
    run.task,
    run.run,
    kind,
  ) as { body: string } | undefined;
  return row?.body ?? '';
}

/** Headers of the publisher's own, which come along with whatever is published of its message. */
export function headersOf(sql: Sql, run: Run): Record<string, string> {
  return JSON.parse(documentOf(sql, run, 'headers') || '{}') as Record<string, string>;
}

/** How a run is called in messages to people. */
export function nameOf(run: Run): string {
  return `${formatKey(run)} run ${run.run}`;
}

const fresh: Omit<RunProgress, 'readySince'> = {
  state: 'ready',
  stage: '',
  runnerId: '',
  attempt: 0,
  failedAttempts: 0,
  lostAttempts: 0,
  lastLooks: 0,
  fencingToken: 0,
  leaseExpiresAt: null,
  leaseSeconds: 0,
  cancelReason: null,
  blockedBy: null,
  blockedReason: '',
  startedAt: null,
  finishedAt: null,
  decidedJson: null,
};
