import { boundResult, cutText, type TaskEventDocument, type TaskResult } from '@necrocode/contracts';
import { fitLetter } from '@necrocode/messaging';
import type { OutboxStream } from './outbox-lane.js';

export interface FittedMessage {
  readonly body: string | Uint8Array;
  /** Beside those that it has. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * A message as it fits into the room that NATS has: results, events and dead letters are cut, and say so;
 * they are whole in the registry. Undefined for what cannot be cut, as a task.
 *
 * @param room in bytes
 */
export function fitMessage(stream: OutboxStream, body: string, room: number): FittedMessage | undefined {
  if (Buffer.byteLength(body) <= room) return { body, headers: {} };
  switch (stream) {
    case 'tasks':
      return undefined;
    case 'dead':
      return fitLetter(Buffer.from(body), room);
    case 'results':
      return ifItFits(boundResult(JSON.parse(body) as TaskResult, room), room);
    case 'events':
      return ifItFits(boundEvent(JSON.parse(body) as TaskEventDocument), room);
  }
}

const mostTextLength = 1_000;
const mostFields = 20;

/** An event whose data has been cut: it holds `truncated: true`. */
function boundEvent(event: TaskEventDocument): TaskEventDocument {
  const plain = Object.entries(event.data).flatMap(([name, value]): [string, unknown][] => {
    if (typeof value === 'string') return [[name, cutText(value, mostTextLength)]];
    return typeof value === 'object' && value !== null ? [] : [[name, value]];
  });
  return { ...event, data: { ...Object.fromEntries(plain.slice(0, mostFields)), truncated: true } };
}

function ifItFits(document: object, room: number): FittedMessage | undefined {
  const body = JSON.stringify(document);
  return Buffer.byteLength(body) <= room ? { body, headers: {} } : undefined;
}
