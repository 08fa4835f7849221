import { randomUUID } from 'node:crypto';
import { headers as names, placeOfSubject, streams } from '@necrocode/contracts';
import type { NatsConnection } from '@necrocode/messaging';
import { jetstream } from '@nats-io/jetstream';
import { CommandRefused } from '../command-refused.js';
import { manageStreams, withNats } from '../reach/nats.js';
import type { ExitCode, Session } from '../session.js';
import { findDeadLetter, type StoredDeadLetter } from './dead-letters.js';

/**
 * Publishes a dead letter's original bytes to where they came from, and removes the letter.
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
  const { letter, subject } = await withNats(endpoints.nats, (connection) => requeue(connection, sequence));
  if (options.json) {
    terminal.print(JSON.stringify({ sequence, subject, key: letter.key }));
    return 0;
  }
  terminal.print(`requeued  ${letter.key ?? 'a message without a readable key'} to ${subject}`);
  if (letter.key !== null) {
    terminal.note(
      `if its run has ended with this content, nothing happens: necro retry ${letter.key} starts the next run`,
    );
  }
  return 0;
}

async function requeue(connection: NatsConnection, sequence: number) {
  const letter = await findDeadLetter(connection, sequence);
  if (!letter) throw new CommandRefused(`there is no dead letter ${sequence}: necro dead list shows them`);
  const subject = subjectOf(letter);
  // A new id, or the stream might take it for the message that it once was and drop it.
  await jetstream(connection).publish(subject, letter.original, {
    msgID: `requeued-${sequence}-${randomUUID()}`,
  });
  // In this order, so that a crash in between leaves the message twice rather than never.
  const manager = await manageStreams(connection);
  await manager.streams.deleteMessage(streams.dead.name, sequence, false);
  return { letter, subject };
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
