import { createHash } from 'node:crypto';
import {
  defaultPlace,
  digestOf,
  parseTask,
  readJson,
  type ErrorCode,
  type TaskKey,
} from '@necrocode/contracts';
import { endRunWith } from './end-run.js';
import { recordEvent } from './outbox.js';
import type { Change } from './registry.js';
import { findRun, insertRun } from './runs.js';

export interface Refusal {
  readonly runnerId: string;
  readonly code: ErrorCode;
  readonly message: string;
  /** The message as it came, possibly cut short. */
  readonly original: Uint8Array;
  readonly traceId: string;
}

/**
 * Records that a runner refused a message before it could claim it. A key that has no run yet gets one
 * that has failed, so that whoever waits for its result gets one; a run that still waits in the queue with this
 * very content fails as well; any other key gets only an event.
 *
 * @returns whether a result was made
 */
export function refuseTask(change: Change, key: TaskKey, refusal: Refusal): boolean {
  const { code, message, runnerId, original } = refusal;
  const known = findRun(change.sql, key);
  const digest = digestOfBytes(original);
  const run = known ?? insertRun(change, { ...unknownTask, ...key, digest }, taskJson(key, original));
  recordEvent(change, run, 'TaskRefused', { code, message, runner_id: runnerId });
  // Its message is gone, and would be missed and published again.
  const waited = known?.state === 'ready' && known.digest === digest;
  if (known && !waited) return false;
  endRunWith(change, run, { status: 'failed', code, message, traceId: refusal.traceId || undefined });
  return true;
}

/** What is not known of a task that was refused. It gets neither a branch nor dependencies. */
const unknownTask = {
  ...defaultPlace,
  traceparent: '',
  repository: '',
  branch: '',
  requiredSkill: '',
  publishedAt: null,
};

/** A task that is valid but unwanted keeps the digest that it would have had. */
function digestOfBytes(original: Uint8Array): string {
  const parsed = parseTask(original);
  return parsed.kind === 'task' ? digestOf(parsed.task) : createHash('sha256').update(original).digest('hex');
}

function taskJson(key: TaskKey, original: Uint8Array): string {
  const text = Buffer.from(original).toString();
  return isObject(text) ? text : JSON.stringify({ task_id: key.taskId, spec_name: key.specName });
}

function isObject(text: string): boolean {
  const read = readJson(text);
  if (read.kind === 'unreadable') return false;
  return read.document !== null && typeof read.document === 'object' && !Array.isArray(read.document);
}
