import { taskRegistry, taskResultSchema, type ArtifactRef, type TaskResult } from '@necrocode/contracts';
import { z } from 'zod';
import type { KnownTask } from '../reach/task-registry.js';

export const statuses = ['ready', 'running', 'blocked', 'done', 'failed', 'cancelled'] as const;
export type Status = (typeof statuses)[number];

/** What `necro get --json` prints. */
export interface TaskDocument {
  /** The task as it came, also when it was refused; null when it was not readable. */
  readonly task: Readonly<Record<string, unknown>> | null;
  readonly status: Status;
  readonly attempts: readonly AttemptDocument[];
  readonly events: readonly EventDocument[];
  readonly artifacts: readonly ArtifactRef[];
  /** Null until the present run has ended. */
  readonly result: TaskResult | null;
}

export interface AttemptDocument {
  readonly attempt: number;
  readonly run: number;
  readonly runner_id: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly outcome: string;
}

export interface EventDocument {
  readonly sequence: number;
  readonly type: string;
  readonly time: string | null;
  readonly run: number;
  readonly attempt: number;
  readonly data: Readonly<Record<string, unknown>>;
}

export function describeTask({ task, attempts, events, artifacts }: KnownTask): TaskDocument {
  return {
    task: parseObject(task.taskJson),
    status: statusOf(task.state),
    attempts: attempts.map((attempt) => ({
      attempt: attempt.attempt,
      run: attempt.run,
      runner_id: attempt.runnerId,
      started_at: toText(attempt.startedAt),
      ended_at: toText(attempt.endedAt),
      outcome: attempt.outcome,
    })),
    events: events.map(describeEvent),
    artifacts: artifacts.map((artifact) => ({
      type: artifact.type as ArtifactRef['type'],
      uri: artifact.uri,
      size_bytes: Number(artifact.sizeBytes),
      sha256: artifact.sha256,
    })),
    result: readResult(task.resultJson),
  };
}

export function describeEvent(event: taskRegistry.TaskEvent): EventDocument {
  return {
    sequence: Number(event.sequence),
    type: event.type,
    time: toText(event.time),
    run: event.run,
    attempt: event.attempt,
    data: parseObject(event.dataJson) ?? {},
  };
}

/** The state's name on the wire; one that this version does not know counts as ready. */
export function statusOf(state: taskRegistry.TaskState): Status {
  return statuses.find((status) => stateOf(status) === state) ?? 'ready';
}

export function stateOf(status: Status): taskRegistry.TaskState {
  const { TaskState } = taskRegistry;
  const states: Record<Status, taskRegistry.TaskState> = {
    ready: TaskState.TASK_STATE_READY,
    running: TaskState.TASK_STATE_RUNNING,
    blocked: TaskState.TASK_STATE_BLOCKED,
    done: TaskState.TASK_STATE_DONE,
    failed: TaskState.TASK_STATE_FAILED,
    cancelled: TaskState.TASK_STATE_CANCELLED,
  };
  return states[status];
}

export function hasEnded(status: Status): boolean {
  return status === 'done' || status === 'failed' || status === 'cancelled';
}

/** The result as it stands, or null; a newer one than this version knows is still shown as far as it goes. */
export function readResult(json: string): TaskResult | null {
  const document = parseObject(json);
  if (document === null) return null;
  const known = taskResultSchema.safeParse(document);
  return known.success ? known.data : (document as unknown as TaskResult);
}

/** A JSON object; null for anything else. */
export function parseObject(json: string): Readonly<Record<string, unknown>> | null {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(json));
  } catch {
    return null;
  }
}

function toText(time: Date | undefined): string | null {
  return time?.toISOString() ?? null;
}
