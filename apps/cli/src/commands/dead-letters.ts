import { formatKey, headers as names, parseTask, streams } from '@necrocode/contracts';
import type { NatsConnection } from '@necrocode/messaging';
import type { StoredMsg } from '@nats-io/jetstream';
import { isNotFound, manageStreams } from '../reach/nats.js';

/** A message that nobody could work on, as `necro dead list --json` shows it. */
export interface DeadLetter {
  readonly sequence: number;
  readonly queue: string;
  readonly code: string | null;
  readonly reason: string | null;
  readonly attempts: number | null;
  readonly time: string;
  /** Null when the message held no readable one. */
  readonly key: string | null;
}

export interface StoredDeadLetter extends DeadLetter {
  /** Where the message came from; null when the letter does not tell. */
  readonly subject: string | null;
  /** The message as it came, or its first bytes. */
  readonly original: Uint8Array;
  /** Bytes of the message where only the first are there; null when it is whole. */
  readonly originalBytes: number | null;
}

/** Every dead letter, the oldest first. */
export async function* readDeadLetters(connection: NatsConnection): AsyncIterable<StoredDeadLetter> {
  const manager = await manageStreams(connection);
  const [subject] = streams.dead.subjects;
  for (let sequence = 1; ;) {
    // The next one from here on: removed ones leave gaps.
    const query = { seq: sequence, next_by_subj: subject };
    const message = await orNothing(manager.streams.getMessage(streams.dead.name, query));
    if (!message) return;
    yield describe(message);
    sequence = message.seq + 1;
  }
}

/** Undefined when there is none with this sequence number. */
export async function findDeadLetter(
  connection: NatsConnection,
  sequence: number,
): Promise<StoredDeadLetter | undefined> {
  const manager = await manageStreams(connection);
  const message = await orNothing(manager.streams.getMessage(streams.dead.name, { seq: sequence }));
  return message && describe(message);
}

/** How many there are; a stream that does not exist holds none. */
export async function countDeadLetters(connection: NatsConnection): Promise<number> {
  const manager = await manageStreams(connection);
  const info = await orNothing(manager.streams.info(streams.dead.name));
  return info?.state.messages ?? 0;
}

async function orNothing<T>(asked: Promise<T | null>): Promise<T | undefined> {
  try {
    return (await asked) ?? undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function describe(message: StoredMsg): StoredDeadLetter {
  const header = (name: string) => message.header.get(name) || null;
  const parsed = parseTask(message.data);
  const key =
    parsed.kind === 'task' ? { specName: parsed.task.spec_name, taskId: parsed.task.task_id } : parsed.key;
  const attempts = header(names.deadAttempts);
  return {
    sequence: message.seq,
    queue: message.subject.split('.').at(-1) ?? '',
    code: header(names.deadCode),
    reason: header(names.deadReason),
    attempts: attempts === null ? null : Number(attempts),
    time: message.time.toISOString(),
    key: key ? formatKey(key) : null,
    subject: header(names.deadSubject),
    original: message.data,
    originalBytes: Number(header(names.deadOriginalBytes)) || null,
  };
}
