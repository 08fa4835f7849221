import { setTimeout as pause } from 'node:timers/promises';
import { headers as names, streams } from '@necrocode/contracts';
import { roomBeside, type NatsConnection } from '@necrocode/messaging';
import type { Logger } from '@necrocode/telemetry';
import { jetstream, jetstreamManager, JetStreamApiError } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { dropUnpublishable } from './drop-unpublishable.js';
import { fitMessage } from './fit-message.js';
import type { Registry } from './registry.js';

/** Messages in flight at once: enough to hide the round trip and share one fsync. */
const batchSize = 100;
const acknowledgementDeadlineMs = 5_000;
const firstBackoffMs = 100;
const longestBackoffMs = 5_000;
/** JetStream's "message size exceeds maximum allowed". */
const tooLarge = 10_054;
/** A stream that takes no message of this size takes none of ours. */
const leastBytes = 8_192;

export const outboxStreams = ['tasks', 'results', 'events', 'dead'] as const;
export type OutboxStream = (typeof outboxStreams)[number];

export interface OutboxRow {
  readonly id: number;
  readonly subject: string;
  readonly msgId: string;
  readonly traceparent: string;
  /** A JSON object of strings. */
  readonly headersJson: string;
  readonly body: string;
  /** Row id and run of the task that it is about; null in rows of earlier versions. */
  readonly task: number | null;
  readonly run: number | null;
}

type Publication = 'stored' | 'again' | { readonly refused: string };

export interface LaneOptions {
  readonly registry: Registry;
  readonly connection: NatsConnection;
  readonly logger: Logger;
  readonly stream: OutboxStream;
  /** Once aborted, what is left is sent and the lane ends. */
  readonly signal: AbortSignal;
}

/**
 * The outbox's rows of one stream, published in order. A message that was sent but not acknowledged is sent
 * again under the same id.
 */
export class OutboxLane {
  resume = () => {};
  private online = true;
  /** Rows up to this one may have been sent before, by an earlier process or a try that got no answer. */
  private doubtfulUpTo: number;

  constructor(private readonly options: LaneOptions) {
    this.doubtfulUpTo = lastRow(options.registry);
  }

  setOnline(online: boolean): void {
    this.online = online;
    this.resume();
  }

  /** @param prepare makes sure of the streams, after trouble */
  async run(prepare: () => Promise<void>): Promise<void> {
    const { registry, stream, signal } = this.options;
    let backoffMs = firstBackoffMs;
    for (;;) {
      const batch = this.online ? nextBatch(registry, stream) : [];
      if (batch.length === 0) {
        if (signal.aborted) return;
        await this.waitForWork();
      } else if (await this.publishBatch(batch).catch((error: unknown) => this.noteFailure(error))) {
        backoffMs = firstBackoffMs;
      } else {
        if (signal.aborted) return;
        await pause(backoffMs, undefined, { signal }).catch(() => undefined);
        backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
        await prepare();
      }
    }
  }

  /** Until a transaction commits, the connection changes, or a row that was held back is due. */
  private async waitForWork(): Promise<void> {
    const { registry, stream } = this.options;
    const due = this.online ? nextDue(registry, stream) : undefined;
    const pauseMs = due === undefined ? undefined : Math.max(due - registry.now(), 1);
    await new Promise<void>((resolve) => {
      const timer = pauseMs === undefined ? undefined : setTimeout(() => resolve(), pauseMs);
      this.resume = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** The outbox itself failed, as on a full disk: what was sent is sent again, and recognised. */
  private noteFailure(error: unknown): false {
    this.options.logger.error({ error }, 'the outbox could not be emptied');
    return false;
  }

  /** Returns whether every message is off the outbox's hands. */
  private async publishBatch(batch: readonly OutboxRow[]): Promise<boolean> {
    const { registry, logger, stream } = this.options;
    const publications = await Promise.all(batch.map((row) => this.publish(row)));
    forget(
      registry,
      batch.filter((_row, index) => publications[index] === 'stored'),
    );
    batch.forEach((row, index) => {
      const publication = publications[index];
      if (typeof publication !== 'object') return;
      dropUnpublishable(registry, stream, row, publication.refused);
      logger.error({ subject: row.subject, reason: publication.refused }, 'a message can never be published');
    });
    if (!publications.includes('again')) return true;
    this.doubtfulUpTo = Math.max(this.doubtfulUpTo, batch.at(-1)?.id ?? 0);
    return false;
  }

  private async publish(row: OutboxRow, atMost = Infinity): Promise<Publication> {
    const { connection, stream, logger } = this.options;
    const named = headersOf(row);
    const room = Math.min(roomBeside(named, connection), atMost);
    const message = fitMessage(stream, row.body, room);
    if (!message) return { refused: `NATS takes ${room} bytes, and it has ${Buffer.byteLength(row.body)}` };
    try {
      if (await this.isStoredResult(row)) return 'stored';
      const carried = headers();
      for (const [name, value] of Object.entries({ ...named, ...message.headers })) carried.set(name, value);
      const options = { headers: carried, timeout: acknowledgementDeadlineMs };
      await jetstream(connection).publish(row.subject, message.body, options);
      return 'stored';
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === tooLarge) {
        // The stream takes less than the server does.
        const less = Math.floor(Buffer.byteLength(message.body) / 2);
        return less < leastBytes ? { refused: error.message } : this.publish(row, less);
      }
      logger.warn({ error, subject: row.subject }, 'publishing failed; it will be tried again');
      return 'again';
    }
  }

  /**
   * One message per run may stand in the stream of results, however long ago a lost answer was: the
   * stream recognises a repeated id for minutes only, so after a doubtful try its last message is looked at.
   */
  private async isStoredResult({ id, subject, msgId }: OutboxRow): Promise<boolean> {
    if (id > this.doubtfulUpTo || this.options.stream !== 'results') return false;
    const manager = await jetstreamManager(this.options.connection, { checkAPI: false });
    const last = await manager.streams.getMessage(streams.results.name, { last_by_subj: subject });
    return last?.header.get(names.msgId) === msgId;
  }
}

function headersOf({ headersJson, traceparent, msgId }: OutboxRow): Record<string, string> {
  const own = JSON.parse(headersJson) as Record<string, string>;
  return {
    ...own,
    ...(traceparent === '' ? {} : { [names.traceparent]: traceparent }),
    [names.msgId]: msgId,
  };
}

function lastRow({ sql }: Registry): number {
  return (sql('SELECT coalesce(max(id), 0) AS last FROM outbox').get() as { last: number }).last;
}

function nextBatch({ sql, now }: Registry, stream: OutboxStream): OutboxRow[] {
  return sql(
    `SELECT id, subject, msg_id AS msgId, traceparent, headers_json AS headersJson, body, task, run FROM outbox
     WHERE stream = ? AND due_at <= ? ORDER BY id LIMIT ?`,
  ).all(stream, now(), batchSize) as unknown as OutboxRow[];
}

function nextDue({ sql }: Registry, stream: OutboxStream): number | undefined {
  const { due } = sql('SELECT min(due_at) AS due FROM outbox WHERE stream = ?').get(stream) as {
    due: number | null;
  };
  return due ?? undefined;
}

function forget({ sql }: Registry, rows: readonly OutboxRow[]): void {
  if (rows.length === 0) return;
  sql('DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))').run(
    JSON.stringify(rows.map(({ id }) => id)),
  );
}
