import {
  digestOf,
  headers as names,
  keyOf,
  parseTask,
  placeOfSubject,
  streams,
  taskRegistry,
  type Task,
} from '@necrocode/contracts';
import type { NatsConnection } from '@necrocode/messaging';
import { jetstream } from '@nats-io/jetstream';
import { CommandRefused } from '../command-refused.js';
import { isNotFound, manageStreams, withNats } from '../reach/nats.js';
import { openTaskRegistry, type TaskRegistry } from '../reach/task-registry.js';
import type { ExitCode, Session } from '../session.js';
import { findDeadLetter, type StoredDeadLetter } from './dead-letters.js';

/**
 * Has a dead letter worked on again, and removes it. Where its run has ended with this very content, the
 * next run is started; else the original bytes go back to where they came from. Repeated, also after a
 * crash in the middle, it does the same once.
 *
 * @param text the letter's sequence number
 */
export async function deadRequeue(
  text: string,
  options: { json?: boolean },
  session: Session,
): Promise<ExitCode> {
  const sequence = readSequence(text);
  const { endpoints, terminal } = session;
  const { letter, subject, run } = await withNats(endpoints.nats, (connection) =>
    requeue(connection, sequence, session),
  );
  if (options.json) {
    terminal.print(JSON.stringify({ sequence, subject, key: letter.key, run }));
    return 0;
  }
  const what = letter.key ?? 'a message without a readable key';
  terminal.print(`requeued  ${what}${run === null ? ` to ${subject}` : `: run ${run} is on its way`}`);
  return 0;
}

interface Requeued {
  readonly letter: StoredDeadLetter;
  readonly subject: string;
  /** Of the run that was started; null: the message was published instead. */
  readonly run: number | null;
}

async function requeue(
  connection: NatsConnection,
  sequence: number,
  { endpoints }: Session,
): Promise<Requeued> {
  const letter = await findDeadLetter(connection, sequence);
  if (!letter) throw new CommandRefused(`there is no dead letter ${sequence}: necro dead list shows them`);
  if (letter.originalBytes !== null) {
    throw new CommandRefused(
      `dead letter ${sequence} holds only the first of the message's ${letter.originalBytes} bytes: submit the task anew`,
    );
  }
  const subject = subjectOf(letter);
  // Tells this letter from any other, also from one of an earlier stream.
  const id = `requeued-${sequence}-${letter.time}`;
  const parsed = parseTask(letter.original);
  const registry = openTaskRegistry(endpoints.taskRegistry);
  let run: number | null = null;
  try {
    // Without a valid task there is nothing to retry: then only whoever takes it can say more.
    if (parsed.kind === 'task') run = await startNextRun(parsed.task, id, registry);
  } finally {
    registry.close();
  }
  // Under a new id, or the stream might take it for the message that it once was and drop it.
  if (run === null) await jetstream(connection).publish(subject, letter.original, { msgID: id });
  // In this order, so that a crash in between leaves the message twice rather than never.
  await removeLetter(connection, sequence);
  return { letter, subject, run };
}

/** A claim of content that has run already does nothing, so such a task needs a run of its own. */
async function startNextRun(task: Task, id: string, registry: TaskRegistry): Promise<number | null> {
  const key = keyOf(task);
  const known = (await registry.findTask(key))?.task;
  if (!known || !retryable.has(known.state)) return null;
  const last = parseTask(known.taskJson);
  if (last.kind !== 'task' || digestOf(last.task) !== digestOf(task)) return null;
  return registry.retry(key, id);
}

const retryable: ReadonlySet<taskRegistry.TaskState> = new Set([
  taskRegistry.TaskState.TASK_STATE_FAILED,
  taskRegistry.TaskState.TASK_STATE_CANCELLED,
]);

async function removeLetter(connection: NatsConnection, sequence: number): Promise<void> {
  const manager = await manageStreams(connection);
  try {
    await manager.streams.deleteMessage(streams.dead.name, sequence, false);
  } catch (error) {
    // Somebody else has requeued it at the same time.
    if (!isNotFound(error)) throw error;
  }
}

function subjectOf({ sequence, subject }: StoredDeadLetter): string {
  if (subject !== null && placeOfSubject(subject)) return subject;
  throw new CommandRefused(
    `dead letter ${sequence} does not tell its queue (${names.deadSubject}): submit the task anew`,
  );
}

function readSequence(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new CommandRefused(`"${text}" is no sequence number: necro dead list shows them`, 2);
}
