import { keyOf, placeOfSubject, headers as names } from '@necrocode/contracts';
import { keptHeaders } from '@necrocode/messaging';
import type { Logger } from '@necrocode/telemetry';
import type { MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import { keyConflict, runOfContent } from './claim-task.js';
import { openRun, readOrder, type Order } from './open-run.js';
import type { Change, Registry } from './registry.js';
import { findRun } from './runs.js';

/** Tasks that one transaction takes in: publishers come in bursts. */
const batchSize = 100;

/**
 * Takes note of tasks while they wait in the queue, so that they can be listed and cancelled before a
 * runner claims them. It hears them beside the stream and may miss some; the claim makes those known.
 */
export class QueueWatch {
  private waiting: Order[] = [];

  constructor(
    private readonly registry: Registry,
    private readonly logger: Logger,
  ) {}

  listen(connection: NatsConnection): void {
    connection.subscribe('necrocode.tasks.*.*', {
      callback: (error, message) => {
        if (!error) this.read(message.subject, message.string(), message.headers, Date.now());
      },
    });
  }

  /**
   * Takes note of a message, and tells what it orders; undefined for what is no task.
   *
   * @param publishedAt in milliseconds since 1970
   */
  read(subject: string, body: string, headers: MsgHdrs | undefined, publishedAt: number): Order | undefined {
    const order = readMessage(subject, body, headers, publishedAt);
    if (order) this.add(order);
    return order;
  }

  private add(order: Order): void {
    this.waiting.push(order);
    if (this.waiting.length === 1) setImmediate(() => this.takeIn());
  }

  private takeIn(): void {
    const batch = this.waiting.splice(0, batchSize);
    try {
      this.registry.change((change) => batch.forEach((order) => noteQueued(change, order)));
    } catch (error) {
      this.logger.warn({ error, tasks: batch.length }, 'queued tasks were not noted; their claims will');
    }
    if (this.waiting.length > 0) setImmediate(() => this.takeIn());
  }
}

/** What is known, or conflicts with what is known, is for the claim to judge. */
export function noteQueued(change: Change, order: Order): void {
  const current = findRun(change.sql, keyOf(order.task));
  const judged = current && (runOfContent(change, current, order.digest) ?? keyConflict(current));
  if (!judged) openRun(change, order);
}

/** An invalid task is for a runner to refuse. */
function readMessage(
  subject: string,
  body: string,
  headers: MsgHdrs | undefined,
  publishedAt: number,
): Order | undefined {
  const place = placeOfSubject(subject);
  if (!place) return undefined;
  try {
    const traceparent = headers?.get(names.traceparent) ?? '';
    return readOrder(body, { place, traceparent, headers: keptHeaders(headers), publishedAt });
  } catch {
    return undefined;
  }
}
