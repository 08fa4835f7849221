import { setTimeout as pause } from 'node:timers/promises';
import { ensureStreams, type NatsConnection } from '@necrocode/messaging';
import { gauge, type Logger } from '@necrocode/telemetry';
import { OutboxLane, outboxStreams } from './outbox-lane.js';
import type { Registry } from './registry.js';

/**
 * Publishes what the transactions have left in the outbox and deletes what the streams have acknowledged. Each
 * stream has a lane of its own: one that takes nothing, since it is full or gone, holds up no other.
 */
export class OutboxPublisher {
  private readonly stopping = new AbortController();
  private readonly lanes: readonly OutboxLane[];
  private readonly stopListening: () => void;
  private readonly finished: Promise<unknown>;

  constructor(
    registry: Registry,
    private readonly connection: NatsConnection,
    private readonly logger: Logger,
  ) {
    const { signal } = this.stopping;
    this.lanes = outboxStreams.map(
      (stream) => new OutboxLane({ registry, connection, logger, stream, signal }),
    );
    this.stopListening = registry.onCommitted(() => this.resume());
    this.finished = this.run();
  }

  /** Told by whoever watches the connection: without one, waiting beats trying. */
  setOnline(online: boolean): void {
    for (const lane of this.lanes) lane.setOnline(online);
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
    this.setOnline(false);
  }

  private async run(): Promise<void> {
    const prepare = () => this.prepareStreams();
    await prepare();
    await Promise.all(this.lanes.map((lane) => lane.run(prepare)));
  }

  private resume(): void {
    for (const lane of this.lanes) lane.resume();
  }

  /** Streams may be missing at the first connect, or after the server has lost its disk. */
  private async prepareStreams(): Promise<void> {
    await ensureStreams(this.connection).catch((error: unknown) => {
      this.logger.warn({ error }, 'streams could not be prepared');
    });
  }
}

/** Reports the outbox's backlog as a metric. */
export function measureOutbox(registry: Registry): void {
  gauge('necrocode.registry.outbox', 'Messages that wait to be published', () => {
    const { backlog } = registry.sql('SELECT count(*) AS backlog FROM outbox').get() as { backlog: number };
    return backlog;
  });
}
