import { streams, subjects, type QueuePlace } from '@necrocode/contracts';
import { ensureStreams, type NatsConnection } from '@necrocode/messaging';
import type { Logger } from '@necrocode/telemetry';
import { JetStreamApiCodes, JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import { republishTask } from './outbox.js';
import type { Registry, Sql } from './registry.js';
import { currentRuns, runColumns, type Run } from './runs.js';

const everyMs = 5_000;
/** A ready task is given this long to be seen in the queue before the messages there are counted. */
const patienceMs = 10_000;
/** Tasks that one look publishes again at most, of each place. */
const batchSize = 1_000;

/**
 * Publishes ready tasks again whose messages are gone: the server has lost its disk, somebody has purged
 * the stream, or a publisher that waits for no acknowledgement came before there was one. A message too
 * many is harmless, since the claim decides.
 */
export class LostTasks {
  private readonly timer: NodeJS.Timeout;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly registry: Registry,
    private readonly connection: NatsConnection,
    private readonly isOnline: () => boolean,
    private readonly logger: Logger,
  ) {
    this.timer = setInterval(() => void this.look(), everyMs);
    void this.look();
  }

  /** Looks now; to be called when the connection has come back, perhaps to another server. */
  look(): Promise<void> {
    this.looking ??= this.compare()
      .catch((error: unknown) => this.logger.warn({ error }, 'the queue could not be compared'))
      .finally(() => (this.looking = undefined));
    return this.looking;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private async compare(): Promise<void> {
    const { registry } = this;
    // What waits in the outbox is not lost, and what was published a moment ago is not missed.
    const { now, sql } = registry;
    if (!this.isOnline() || hasTasksToPublish(sql, now())) return;
    const places = placesWithReady(sql, now());
    if (places.length === 0) return;
    const readAt = now();
    const queue = await this.readQueue();
    for (const place of places) this.republish(place, queue, readAt);
  }

  private republish(place: QueuePlace, queue: Queue, readAt: number): void {
    const { registry } = this;
    const again = registry.change((change) => {
      const unseen = isShort(change.sql, place, queue, readAt) ? readAt - patienceMs : 0;
      const lost = readyBefore(change.sql, place, Math.max(queue.createdAt, unseen));
      for (const run of lost) {
        change
          .sql('UPDATE runs SET ready_since = ? WHERE task = ? AND run = ?')
          .run(change.now, run.task, run.run);
        republishTask(change, run);
      }
      return lost.length;
    });
    if (again > 0) this.logger.warn({ ...place, tasks: again }, 'tasks were missing in the queue');
  }

  private async readQueue(): Promise<Queue> {
    const manager = await jetstreamManager(this.connection, { checkAPI: false });
    const ask = () => manager.streams.info(streams.tasks.name, { subjects_filter: 'necrocode.tasks.>' });
    const info = await ask().catch(async (error: unknown) => {
      if (!isMissing(error)) throw error;
      await ensureStreams(this.connection);
      return ask();
    });
    const counts = new Map(Object.entries(info.state.subjects ?? {}));
    return { createdAt: Date.parse(info.created), count: (place) => counts.get(subjects.task(place)) ?? 0 };
  }
}

interface Queue {
  /** No message is older than its stream. */
  readonly createdAt: number;
  /** Messages that wait at a place or are being worked on. */
  count(place: QueuePlace): number;
}

/** True when fewer messages wait than tasks are ready: those of running tasks may be there as well, or not. */
function isShort(sql: Sql, place: QueuePlace, waiting: Queue, readAt: number): boolean {
  const { ready, running } = sql(
    `SELECT count(*) FILTER (WHERE state = 'ready' AND ready_since <= ?) AS ready,
            count(*) FILTER (WHERE state = 'running') AS running
     FROM runs WHERE queue = ? AND priority = ? AND state IN ('ready', 'running')`,
  ).get(readAt, place.queue, place.priority) as { ready: number; running: number };
  return waiting.count(place) - running < ready;
}

/** The ready runs of a place that should have been in its queue before a time, the oldest first. */
function readyBefore(sql: Sql, { queue, priority }: QueuePlace, before: number): Run[] {
  return sql(
    `SELECT ${runColumns} FROM ${currentRuns}
     WHERE r.state = 'ready' AND r.ready_since < ? AND r.queue = ? AND r.priority = ?
     ORDER BY r.ready_since, t.id LIMIT ${batchSize}`,
  ).all(before, queue, priority) as unknown as Run[];
}

function placesWithReady(sql: Sql, now: number): QueuePlace[] {
  return sql(`SELECT DISTINCT queue, priority FROM runs WHERE state = 'ready' AND ready_since < ?`).all(
    now - everyMs,
  ) as unknown as QueuePlace[];
}

function hasTasksToPublish(sql: Sql, now: number): boolean {
  const due = sql(`SELECT 1 FROM outbox WHERE stream = 'tasks' AND due_at <= ? LIMIT 1`);
  return due.get(now) !== undefined;
}

function isMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
}
