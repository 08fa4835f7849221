import { keyOf, placeOfSubject, headers as names } from '@necrocode/contracts';
import { keptHeaders } from '@necrocode/messaging';
import type { Logger } from '@necrocode/telemetry';
import type { StoredMsg } from '@nats-io/jetstream';
import { keyConflict, runOfContent } from './claim-task.js';
import { openRun, readOrder, type Order } from './open-run.js';
import type { Change, Registry } from './registry.js';
import { findRun } from './runs.js';

/** Tasks that one transaction takes in: publishers come in bursts. */
const batchSize = 100;

/**
 * Takes note of tasks while they wait in the queue, so that they can be listed and cancelled before a runner
 * claims them. Only what is stored is an order: a message that was merely sent, and that JetStream refused, is
 * none, and its publisher was told so.
 */
export class QueueWatch {
  private waiting: Order[] = [];

  constructor(
    private readonly registry: Registry,
    private readonly logger: Logger,
  ) {}

  /** Tells what a message orders, and notes it, at the latest with `settle`; undefined for what is no task. */
  read(message: StoredMsg): Order | undefined {
    const order = readMessage(message);
    if (order && this.waiting.push(order) === batchSize) this.settle();
    return order;
  }

  /** Notes what has been read. */
  settle(): void {
    const batch = this.waiting.splice(0);
    if (batch.length === 0) return;
    try {
      this.registry.change((change) => batch.forEach((order) => noteQueued(change, order)));
    } catch (error) {
      this.logger.warn({ error, tasks: batch.length }, 'queued tasks were not noted; their claims will');
    }
  }
}

/** What is known, or conflicts with what is known, is for the claim to judge. */
export function noteQueued(change: Change, order: Order): void {
  const current = findRun(change.sql, keyOf(order.task));
  const judged = current && (runOfContent(change, current, order.digest) ?? keyConflict(current));
  if (!judged) openRun(change, order);
}

/** An invalid task is for a runner to refuse. */
function readMessage(message: StoredMsg): Order | undefined {
  const place = placeOfSubject(message.subject);
  if (!place) return undefined;
  try {
    const headers = message.header;
    const traceparent = headers.get(names.traceparent);
    const publishedAt = message.time.getTime();
    return readOrder(message.string(), { place, traceparent, headers: keptHeaders(headers), publishedAt });
  } catch {
    return undefined;
  }
}
