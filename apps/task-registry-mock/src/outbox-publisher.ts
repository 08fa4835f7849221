import { setTimeout as pause } from 'node:timers/promises';
import { headers as names, streams } from '@necrocode/contracts';
import { ensureStreams, type NatsConnection } from '@necrocode/messaging';
import { gauge, type Logger } from '@necrocode/telemetry';
import { jetstream, jetstreamManager, JetStreamApiError } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { Registry } from './registry.js';

/** Messages in flight at once: enough to hide the round trip and share one fsync. */
const batchSize = 100;
const acknowledgementDeadlineMs = 5_000;
const longestBackoffMs = 5_000;
/** JetStream's "message size exceeds maximum allowed". */
const tooLarge = 10_054;

interface OutboxRow {
  readonly id: number;
  readonly subject: string;
  readonly msgId: string;
  readonly traceparent: string;
  /** A JSON object of strings. */
  readonly headersJson: string;
  readonly body: string;
}

type Publication = 'stored' | 'again' | { readonly refused: string };

/**
 * Publishes what the transactions have left in the outbox, in order, and deletes what the stream has
 * acknowledged. A message that was sent but not acknowledged is sent again under the same id.
 */
export class OutboxPublisher {
  private online = true;
  private readonly stopping = new AbortController();
  private resume = () => {};
  private readonly stopListening: () => void;
  private readonly finished: Promise<void>;
  /** Rows up to this one may have been sent before, by an earlier process or a try that got no answer. */
  private doubtfulUpTo: number;

  constructor(
    private readonly registry: Registry,
    private readonly connection: NatsConnection,
    private readonly logger: Logger,
  ) {
    this.doubtfulUpTo = lastRow(registry);
    this.stopListening = registry.onCommitted(() => this.resume());
    this.finished = this.run();
  }

  /** Told by whoever watches the connection: without one, waiting beats trying. */
  setOnline(online: boolean): void {
    this.online = online;
    this.resume();
  }

  /** Sends what is left, for at most `deadlineMs`. What remains is sent after the next start. */
  async stop(deadlineMs: number): Promise<void> {
    this.stopListening();
    this.stopping.abort();
    this.resume();
    const given = new AbortController();
    await Promise.race([this.finished, pause(deadlineMs, undefined, { signal: given.signal })]).finally(() =>
      given.abort(),
    );
    this.online = false;
  }

  private async run(): Promise<void> {
    let backoffMs = 100;
    await this.prepareStreams();
    for (;;) {
      const batch = this.online ? nextBatch(this.registry) : [];
      if (batch.length === 0) {
        if (this.stopping.signal.aborted) return;
        await this.waitForWork();
      } else if (await this.publishBatch(batch).catch((error: unknown) => this.noteFailure(error))) {
        backoffMs = 100;
      } else {
        if (this.stopping.signal.aborted) return;
        await pause(backoffMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
        backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
        await this.prepareStreams();
      }
    }
  }

  /** Until a transaction commits, the connection changes, or a row that was held back is due. */
  private async waitForWork(): Promise<void> {
    const due = this.online ? nextDue(this.registry) : undefined;
    const pauseMs = due === undefined ? undefined : Math.max(due - this.registry.now(), 1);
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
    this.logger.error({ error }, 'the outbox could not be emptied');
    return false;
  }

  /** Streams may be missing at the first connect, or after the server has lost its disk. */
  private async prepareStreams(): Promise<void> {
    await ensureStreams(this.connection).catch((error: unknown) => {
      this.logger.warn({ error }, 'streams could not be prepared');
    });
  }

  /** Returns whether every message is off the outbox's hands. */
  private async publishBatch(batch: readonly OutboxRow[]): Promise<boolean> {
    const publications = await Promise.all(batch.map((row) => this.publish(row)));
    const stored = batch.filter((_row, index) => publications[index] === 'stored');
    forget(this.registry, stored);
    batch.forEach((row, index) => {
      const publication = publications[index];
      if (typeof publication === 'object') this.setAside(row, publication.refused);
    });
    if (!publications.includes('again')) return true;
    this.doubtfulUpTo = Math.max(this.doubtfulUpTo, batch.at(-1)?.id ?? 0);
    return false;
  }

  private async publish(row: OutboxRow): Promise<Publication> {
    const limit = this.connection.info?.max_payload ?? Infinity;
    if (Buffer.byteLength(row.body) + row.msgId.length + 1_024 > limit)
      return { refused: 'too large for NATS' };
    try {
      if (await this.isStoredResult(row)) return 'stored';
      const carried = headers();
      const named = JSON.parse(row.headersJson) as Record<string, string>;
      for (const [name, value] of Object.entries(named)) carried.set(name, value);
      if (row.traceparent !== '') carried.set(names.traceparent, row.traceparent);
      const options = { msgID: row.msgId, headers: carried, timeout: acknowledgementDeadlineMs };
      await jetstream(this.connection).publish(row.subject, row.body, options);
      return 'stored';
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === tooLarge) return { refused: error.message };
      this.logger.warn({ error, subject: row.subject }, 'publishing failed; it will be tried again');
      return 'again';
    }
  }

  /**
   * One message per run may stand in the stream of results, however long ago a lost answer was: the
   * stream recognises a repeated id for minutes only, so after a doubtful try its last message is looked at.
   */
  private async isStoredResult({ id, subject, msgId }: OutboxRow): Promise<boolean> {
    if (id > this.doubtfulUpTo || !subject.startsWith(resultSubjects)) return false;
    const manager = await jetstreamManager(this.connection, { checkAPI: false });
    const last = await manager.streams.getMessage(streams.results.name, { last_by_subj: subject });
    return last?.header.get(names.msgId) === msgId;
  }

  /** A message that can never be stored must not hold up those behind it. It stays in the table. */
  private setAside({ id, subject }: OutboxRow, reason: string): void {
    this.registry.sql('UPDATE outbox SET refused = ? WHERE id = ?').run(reason, id);
    this.logger.error({ subject, reason }, 'a message cannot be published and was set aside');
  }
}

/** Reports the outbox's backlog as a metric. */
export function measureOutbox(registry: Registry): void {
  gauge('necrocode.registry.outbox', 'Messages that wait to be published', () => {
    const { backlog } = registry.sql('SELECT count(*) AS backlog FROM outbox').get() as { backlog: number };
    return backlog;
  });
}

const resultSubjects = streams.results.subjects[0].replace('>', '');

function lastRow({ sql }: Registry): number {
  return (sql('SELECT coalesce(max(id), 0) AS last FROM outbox').get() as { last: number }).last;
}

function nextBatch({ sql, now }: Registry): OutboxRow[] {
  return sql(
    `SELECT id, subject, msg_id AS msgId, traceparent, headers_json AS headersJson, body FROM outbox
     WHERE refused IS NULL AND due_at <= ? ORDER BY id LIMIT ?`,
  ).all(now(), batchSize) as unknown as OutboxRow[];
}

function nextDue({ sql }: Registry): number | undefined {
  const { due } = sql('SELECT min(due_at) AS due FROM outbox WHERE refused IS NULL').get() as {
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
