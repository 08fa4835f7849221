import { headers as names, msgIdOf, subjects, type QueuePlace, type Task } from '@necrocode/contracts';
import { headersFromContext } from '@necrocode/telemetry';
import { jetstream } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { fitLetter, roomBeside } from './message-size.js';

/** Publishes a task with its deduplicating id and the active trace context. Returns whether it was new. */
export async function publishTask(
  connection: NatsConnection,
  task: Task,
  place: QueuePlace,
): Promise<{ readonly duplicate: boolean }> {
  const published = await publishDocument(connection, subjects.task(place), JSON.stringify(task), {
    [names.msgId]: msgIdOf(task),
    ...headersFromContext(),
  });
  return { duplicate: published.duplicate };
}

export interface DeadLetter {
  readonly queue: string;
  readonly subject: string;
  /** The message as it came. */
  readonly original: Uint8Array;
  readonly code: string;
  readonly reason: string;
  readonly attempts: number;
  /** Of the message, where they are worth keeping. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Same id, same dead letter: a repeated refusal leaves one. */
  readonly id: string;
}

/**
 * Puts a message that nobody can work on where people find it, with the reason. Where the server has no room
 * for all of it beside that, its first bytes.
 */
export async function publishDeadLetter(connection: NatsConnection, letter: DeadLetter): Promise<void> {
  const named = {
    ...letter.headers,
    [names.msgId]: letter.id,
    ...deadLetterHeaders(letter),
    ...headersFromContext(),
  };
  const { body, headers: marks } = fitLetter(letter.original, roomBeside(named, connection));
  await publishDocument(connection, subjects.dead(letter.queue), body, { ...named, ...marks });
}

/** What a dead letter tells about itself, also for those who publish it in another way. */
export function deadLetterHeaders(
  letter: Pick<DeadLetter, 'code' | 'reason' | 'attempts' | 'subject'>,
): Record<string, string> {
  return {
    [names.deadCode]: letter.code,
    [names.deadReason]: singleLine(letter.reason),
    [names.deadAttempts]: String(letter.attempts),
    [names.deadSubject]: letter.subject,
  };
}

async function publishDocument(
  connection: NatsConnection,
  subject: string,
  body: string | Uint8Array,
  named: Readonly<Record<string, string>>,
): Promise<{ duplicate: boolean }> {
  const carried = headers();
  for (const [name, value] of Object.entries(named)) carried.set(name, value);
  return jetstream(connection).publish(subject, body, { headers: carried });
}

/** Header values end at a line break. */
function singleLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').slice(0, 2_000);
}
