import {
  branchOf,
  defaultPlace,
  digestOf,
  formatKey,
  keyOf,
  parseTask,
  formatProblems,
  priorities,
  queuePattern,
  type ErrorCode,
  type QueuePlace,
  type Task,
} from '@necrocode/contracts';
import { dependencyStanding, saveDependencies } from './dependencies.js';
import { takeEarlyCancel } from './early-cancels.js';
import { dependencyVerdict, endRunWith, type RegistryVerdict } from './end-run.js';
import { withoutLease } from './make-ready.js';
import { recordEvent } from './outbox.js';
import { badRequest } from './refusals.js';
import type { Change } from './registry.js';
import { repositoryOf } from './repository-limit.js';
import { insertRun, nameOf, saveDocument, updateRun, type BlockedBy, type Run } from './runs.js';

/** A task as it came in: the document, what it says, and where it waits. */
export interface Order {
  readonly json: string;
  readonly task: Task;
  readonly digest: string;
  readonly place: QueuePlace;
  readonly traceparent: string;
  /** Of the publisher's own. */
  readonly headers: Readonly<Record<string, string>>;
  /** When its message was stored, in milliseconds since 1970; undefined where it came without one. */
  readonly publishedAt: number | undefined;
}

/** What an order came with beside its document. */
export interface OrderOrigin {
  readonly place?: { readonly queue: string; readonly priority: string } | undefined;
  readonly traceparent?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly publishedAt?: number | undefined;
}

/**
 * Reads an order.
 *
 * @throws INVALID_ARGUMENT that names every problem of the task or the place
 */
export function readOrder(json: string, origin: OrderOrigin): Order {
  const parsed = parseTask(json);
  switch (parsed.kind) {
    case 'newer':
      throw badRequest(`task: schema_version ${parsed.schemaVersion} is newer than this registry knows`);
    case 'invalid':
      throw badRequest(`task: ${formatProblems(parsed.problems)}`);
    case 'task':
      return orderOf(json, parsed.task, origin);
  }
}

function orderOf(json: string, task: Task, origin: OrderOrigin): Order {
  const { place, traceparent = '', headers = {}, publishedAt } = origin;
  return { json, task, digest: digestOf(task), place: readPlace(place), traceparent, headers, publishedAt };
}

export type OpenedRun =
  | { readonly kind: 'ready'; readonly run: Run }
  | { readonly kind: 'blocked'; readonly run: Run }
  /** Somebody had cancelled it before it was known. */
  | { readonly kind: 'cancelled'; readonly run: Run }
  /** It can never run: it has ended already, and its result is on its way. */
  | { readonly kind: 'failed'; readonly run: Run; readonly code: ErrorCode; readonly message: string };

/** Starts the next run of a task, or its first. */
export function openRun(change: Change, order: Order): OpenedRun {
  const run = insertRun(change, identityOf(order), order.json);
  if (Object.keys(order.headers).length > 0)
    saveDocument(change, run, 'headers', JSON.stringify(order.headers));
  saveDependencies(change, run, order.task.dependencies ?? []);
  recordEvent(change, run, 'TaskCreated', { title: order.task.title, digest: order.digest });
  const cancel = takeEarlyCancel(change, run);
  if (cancel !== undefined) {
    return {
      kind: 'cancelled',
      run: endRunWith(change, run, { status: 'cancelled', code: 'cancelled', message: cancel }),
    };
  }
  const standing = dependencyStanding(change.sql, run);
  const verdict = branchVerdict(change, run) ?? dependencyVerdict(standing);
  if (verdict) {
    return {
      kind: 'failed',
      run: endRunWith(change, run, verdict),
      code: verdict.code,
      message: verdict.message,
    };
  }
  if (standing.kind !== 'open') return { kind: 'ready', run };
  const reason = `waits for ${standing.waitingFor.join(', ')}`;
  return { kind: 'blocked', run: block(change, run, 'dependencies', reason) };
}

/** Takes a run out of the queue until what it waits for comes about. */
export function block(change: Change, run: Run, blockedBy: BlockedBy, blockedReason: string): Run {
  const blocked = updateRun(change, run, {
    ...withoutLease,
    state: 'blocked',
    blockedBy,
    blockedReason,
  });
  recordEvent(change, blocked, 'TaskParked', { reason: blockedReason, waits_for: blockedBy });
  return blocked;
}

function readPlace(place: { readonly queue: string; readonly priority: string } | undefined): QueuePlace {
  const queue = place?.queue || defaultPlace.queue;
  const wanted = place?.priority || defaultPlace.priority;
  const priority = priorities.find((known) => known === wanted);
  if (!queuePattern.test(queue)) throw badRequest(`place: queue must match ${queuePattern.source}`);
  if (!priority) throw badRequest(`place: priority must be one of ${priorities.join(', ')}`);
  return { queue, priority };
}

function identityOf({
  task,
  digest,
  place,
  traceparent,
  publishedAt,
}: Order): Parameters<typeof insertRun>[1] {
  return {
    ...keyOf(task),
    ...place,
    digest,
    traceparent,
    repository: repositoryOf(task.repo_url),
    branch: branchOf(task),
    requiredSkill: task.required_skill ?? '',
    publishedAt: publishedAt ?? null,
  };
}

/** The branch of a repository belongs to the key that first came with it. */
function branchVerdict({ sql }: Change, run: Run): RegistryVerdict | undefined {
  sql('INSERT OR IGNORE INTO branches (repository, branch, task) VALUES (?, ?, ?)').run(
    run.repository,
    run.branch,
    run.task,
  );
  const owner = sql(
    `SELECT t.id AS task, t.spec_name AS specName, t.task_id AS taskId FROM branches b JOIN tasks t ON t.id = b.task
     WHERE b.repository = ? AND b.branch = ?`,
  ).get(run.repository, run.branch) as { task: number; specName: string; taskId: string };
  if (owner.task === run.task) return undefined;
  const message = `branch ${run.branch} belongs to ${formatKey(owner)}; ${nameOf(run)} cannot have it`;
  return { status: 'failed', code: 'branch_conflict', message };
}
