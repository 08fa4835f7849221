import type { taskRegistry } from '@necrocode/contracts';
import { decidedCommitOf } from './decided-commit.js';
import { badRequest } from './refusals.js';
import type { Sql } from './registry.js';
import { currentRuns, documentOf, keyOfRun, runColumns, type Run } from './runs.js';
import { stateFromWire, stateToWire } from './task-states.js';

/** A run as its task's record on the wire. */
export function taskRecord(sql: Sql, run: Run): taskRegistry.TaskRecord {
  return {
    key: keyOfRun(run),
    run: run.run,
    state: stateToWire(run.state),
    taskJson: documentOf(sql, run, 'task'),
    place: { queue: run.queue, priority: run.priority },
    stage: run.stage,
    runnerId: run.runnerId,
    cancelRequested: run.cancelReason !== null,
    blockedReason: run.blockedReason,
    createdAt: new Date(run.createdAt),
    startedAt: toDate(run.startedAt),
    finishedAt: toDate(run.finishedAt),
    decided: decidedCommitOf(run),
    resultJson: documentOf(sql, run, 'result'),
  };
}

/** Everything of a task: its present run, and the attempts, events and artifacts of all of its runs. */
export function taskHistory(sql: Sql, run: Run): taskRegistry.GetTaskResponse {
  return {
    task: taskRecord(sql, run),
    attempts: attemptsOf(sql, run),
    events: eventsAfter(sql, run.task, 0),
    artifacts: artifactsOf(sql, run),
  };
}

/** Events of a task past a sequence number, in order. */
export function eventsAfter(sql: Sql, task: number, sequence: number): taskRegistry.TaskEvent[] {
  const rows = sql(
    `SELECT sequence, type, time, data_json AS dataJson, run, attempt FROM events
     WHERE task = ? AND sequence > ? ORDER BY sequence`,
  ).all(task, sequence) as unknown as EventRow[];
  return rows.map((row) => ({ ...row, sequence: BigInt(row.sequence), time: new Date(row.time) }));
}

/**
 * A page of tasks in the order of their creation. The token is the row id that the page before ended
 * with, so tasks that come or change meanwhile move no page.
 *
 * @throws INVALID_ARGUMENT for a token that this registry did not give out, or an unknown state
 */
export function listTasks(sql: Sql, request: taskRegistry.ListTasksRequest): taskRegistry.ListTasksResponse {
  const size = Math.min(request.pageSize || defaultPageSize, largestPageSize);
  const found = sql(
    `SELECT ${runColumns} FROM ${currentRuns}
     WHERE t.id > :after
       AND (:states = '[]' OR r.state IN (SELECT value FROM json_each(:states)))
       AND (:spec = '' OR t.spec_name = :spec)
       AND (:skill = '' OR r.required_skill = :skill)
       AND (:id = '' OR t.task_id = :id)
     ORDER BY t.id LIMIT :limit`,
  ).all({
    after: readToken(request.pageToken),
    states: JSON.stringify(request.states.map(readState)),
    spec: request.specName,
    skill: request.requiredSkill,
    id: request.taskId,
    limit: size + 1,
  }) as unknown as Run[];
  const { page, tasks } = fillPage(sql, found.slice(0, size));
  const last = page.at(-1);
  return { tasks, nextPageToken: found.length > page.length && last ? makeToken(last.task) : '' };
}

/** As many as fit into a message, at least one: documents may be large. */
function fillPage(
  sql: Sql,
  runs: readonly Run[],
): { page: readonly Run[]; tasks: taskRegistry.TaskRecord[] } {
  const tasks: taskRegistry.TaskRecord[] = [];
  let bytes = 0;
  for (const run of runs) {
    const record = taskRecord(sql, run);
    bytes += Buffer.byteLength(record.taskJson) + Buffer.byteLength(record.resultJson);
    if (tasks.length > 0 && bytes > largestPageBytes) break;
    tasks.push(record);
  }
  return { page: runs.slice(0, tasks.length), tasks };
}

const defaultPageSize = 100;
const largestPageSize = 500;
const largestPageBytes = 4 * 1024 * 1024;

interface EventRow {
  readonly sequence: number;
  readonly type: string;
  readonly time: number;
  readonly dataJson: string;
  readonly run: number;
  readonly attempt: number;
}

interface AttemptRow {
  readonly attempt: number;
  readonly run: number;
  readonly runnerId: string;
  readonly fencingToken: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly outcome: string;
}

function attemptsOf(sql: Sql, run: Run): taskRegistry.Attempt[] {
  const rows = sql(
    `SELECT attempt, run, runner_id AS runnerId, fencing_token AS fencingToken, started_at AS startedAt,
       ended_at AS endedAt, outcome FROM attempts WHERE task = ? ORDER BY run, attempt`,
  ).all(run.task) as unknown as AttemptRow[];
  return rows.map((row) => ({
    ...row,
    fencingToken: BigInt(row.fencingToken),
    startedAt: new Date(row.startedAt),
    endedAt: toDate(row.endedAt),
  }));
}

function artifactsOf(sql: Sql, run: Run): taskRegistry.Artifact[] {
  const rows = sql(
    'SELECT type, uri, size_bytes AS sizeBytes, sha256 FROM artifacts WHERE task = ? ORDER BY run, id',
  ).all(run.task) as unknown as (Omit<taskRegistry.Artifact, 'sizeBytes'> & { sizeBytes: number })[];
  return rows.map((row) => ({ ...row, sizeBytes: BigInt(row.sizeBytes) }));
}

function toDate(time: number | null): Date | undefined {
  return time === null ? undefined : new Date(time);
}

function readState(value: taskRegistry.TaskState): string {
  const state = stateFromWire(value);
  if (!state) throw badRequest('states: holds a value that is no task state');
  return state;
}

function makeToken(row: number): string {
  return Buffer.from(`after:${row}`).toString('base64url');
}

function readToken(token: string): number {
  if (token === '') return 0;
  const row = /^after:(\d{1,15})$/.exec(Buffer.from(token, 'base64url').toString())?.[1];
  if (row === undefined) throw badRequest('page_token: not one that was given out');
  return Number(row);
}
