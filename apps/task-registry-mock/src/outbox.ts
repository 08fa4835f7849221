import {
  formatKey,
  subjects,
  type EventType,
  type TaskEventDocument,
  type TaskResult,
} from '@necrocode/contracts';
import { deadLetterHeaders } from '@necrocode/messaging';
import type { Change } from './registry.js';
import { documentOf, headersOf, type Run } from './runs.js';

/** Adds an event to the task's history and has it published. Run and attempt are the run's present ones. */
export function recordEvent(
  change: Change,
  run: Run,
  type: EventType,
  data: Readonly<Record<string, unknown>> = {},
  time = change.now,
): void {
  const { sequence } = change
    .sql(
      'UPDATE tasks SET last_sequence = last_sequence + 1 WHERE id = ? RETURNING last_sequence AS sequence',
    )
    .get(run.task) as { sequence: number };
  change
    .sql(
      'INSERT INTO events (task, sequence, type, time, data_json, run, attempt) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    .run(run.task, sequence, type, time, JSON.stringify(data), run.run, run.attempt);
  const document: TaskEventDocument = {
    type,
    time: new Date(time).toISOString(),
    spec_name: run.specName,
    task_id: run.taskId,
    run: run.run,
    attempt: run.attempt,
    sequence,
    data,
  };
  enqueue(
    change,
    run,
    subjects.event(type, run),
    `${formatKey(run)}#event-${sequence}`,
    JSON.stringify(document),
  );
  change.touched.add(run.task);
}

/** Has a result published: once per run, which its message id says. */
export function publishResult(change: Change, run: Run, result: TaskResult): void {
  enqueue(change, run, subjects.result(run), `${formatKey(run)}#${run.run}`, JSON.stringify(result));
}

/** Has a task put where people find what nobody could finish: once per run. */
export function publishDeadLetter(
  change: Change,
  run: Run,
  { code, message }: { readonly code: string; readonly message: string },
): void {
  const told = { code, reason: message, attempts: run.attempt, subject: subjects.task(run) };
  const id = `dead-${formatKey(run)}#${run.run}`;
  const body = documentOf(change.sql, run, 'task');
  enqueue(change, run, subjects.dead(run.queue), id, body, {
    headers: { ...headersOf(change.sql, run), ...deadLetterHeaders(told) },
  });
}

/** Has a task published that nobody has published yet, under the id that any publisher would use. */
export function publishTask(change: Change, run: Run): void {
  enqueueTask(change, run, `${formatKey(run)}#${run.digest}`);
}

/**
 * Has a task published that may have been in the queue before: under a new id, or it would be dropped.
 *
 * @param delaySeconds it is held back for so long
 */
export function republishTask(change: Change, run: Run, delaySeconds = 0): void {
  const { publications } = change
    .sql('UPDATE tasks SET publications = publications + 1 WHERE id = ? RETURNING publications')
    .get(run.task) as { publications: number };
  enqueueTask(change, run, `${formatKey(run)}#${run.digest}#${publications}`, delaySeconds);
}

function enqueueTask(change: Change, run: Run, messageId: string, delaySeconds = 0): void {
  enqueue(change, run, subjects.task(run), messageId, documentOf(change.sql, run, 'task'), {
    delaySeconds,
    headers: headersOf(change.sql, run),
  });
}

interface EnqueueOptions {
  readonly delaySeconds?: number;
  /** Beside the message id and the trace. */
  readonly headers?: Readonly<Record<string, string>>;
}

function enqueue(
  change: Change,
  run: Run,
  subject: string,
  messageId: string,
  body: string,
  { delaySeconds = 0, headers = {} }: EnqueueOptions = {},
): void {
  change
    .sql(
      `INSERT INTO outbox (task, run, subject, msg_id, traceparent, headers_json, body, due_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      run.task,
      run.run,
      subject,
      messageId,
      run.traceparent,
      JSON.stringify(headers),
      body,
      change.now + delaySeconds * 1000,
    );
}
