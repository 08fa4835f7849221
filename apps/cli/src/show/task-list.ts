import { formatKey, type taskRegistry } from '@necrocode/contracts';
import { styleOfStatus } from './status-style.js';
import { renderTable, type Column } from './table.js';
import { readResult, statusOf, type Status } from './task-document.js';
import { harmlessLine, type Terminal } from './terminal.js';
import { showDuration } from './units.js';

/** One task of `necro list --json`. */
export interface TaskLine {
  readonly key: string;
  readonly run: number;
  readonly state: Status;
  readonly stage: string | null;
  readonly runner_id: string | null;
  readonly queue: string | null;
  readonly priority: string | null;
  readonly created_at: string | null;
  /** Why it waits, or why it failed. */
  readonly reason: string | null;
}

export function describeLine(task: taskRegistry.TaskRecord): TaskLine {
  const state = statusOf(task.state);
  return {
    key: task.key ? formatKey(task.key) : '?',
    run: task.run,
    state,
    stage: task.stage || null,
    runner_id: task.runnerId || null,
    queue: task.place?.queue ?? null,
    priority: task.place?.priority ?? null,
    created_at: task.createdAt?.toISOString() ?? null,
    reason: reasonOf(task, state),
  };
}

/** @param now milliseconds since 1970, for the age */
export function renderTaskList(tasks: readonly TaskLine[], now: number, terminal: Terminal): string {
  const columns: Column<TaskLine>[] = [
    { title: 'KEY', show: ({ key }) => key },
    { title: 'RUN', show: ({ run }) => String(run), align: 'right' },
    { title: 'STATE', show: ({ state }) => state, style: ({ state }) => styleOfStatus(state) },
    { title: 'STAGE', show: ({ stage, state }) => (state === 'done' ? '' : harmlessLine(stage ?? '')) },
    { title: 'RUNNER', show: ({ runner_id: runner }) => harmlessLine(runner ?? '') },
    { title: 'AGE', show: (task) => ageOf(task, now), align: 'right' },
    { title: 'REASON', show: ({ reason }) => shorten(harmlessLine(reason ?? '')) },
  ];
  return renderTable(columns, tasks, terminal);
}

function reasonOf(task: taskRegistry.TaskRecord, state: Status): string | null {
  if (state === 'blocked') return task.blockedReason || null;
  if (state === 'running') return task.cancelRequested ? 'is being cancelled' : null;
  const error = readResult(task.resultJson)?.error;
  return error ? `${error.code}: ${error.message}` : null;
}

function ageOf({ created_at: created }: TaskLine, now: number): string {
  return created === null ? '' : showDuration(Math.max(0, now - Date.parse(created)));
}

const longestReason = 100;

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > longestReason ? `${line.slice(0, longestReason - 1)}…` : line;
}
