import type { NatsConnection } from '@necrocode/messaging';
import type { Logger } from '@necrocode/telemetry';
import { republishTask } from './outbox.js';
import { QueueScan } from './queue-scan.js';
import type { QueueWatch } from './queue-watch.js';
import type { Registry, Sql } from './registry.js';
import { currentRuns, runColumns, type Run } from './runs.js';

const everyMs = 5_000;
/** A ready task is given this long to be seen in the queue before its message is looked for. */
const patienceMs = 10_000;
/** Tasks that one look publishes again at most. */
const batchSize = 1_000;

/**
 * Publishes ready tasks again whose messages are gone: the server has lost its disk, somebody has purged
 * the stream, or a publisher that waits for no acknowledgement came before there was one. A message too
 * many is harmless, since the claim decides. With the first look after each connect it also takes note of
 * tasks that were published while nobody listened.
 */
export class LostTasks {
  private readonly timer: NodeJS.Timeout;
  private readonly scan: QueueScan;
  private looking: Promise<void> | undefined;
  private caughtUp = false;

  constructor(
    private readonly registry: Registry,
    connection: NatsConnection,
    watch: QueueWatch,
    private readonly isOnline: () => boolean,
    private readonly logger: Logger,
  ) {
    this.scan = new QueueScan(connection, watch, registry.now);
    this.timer = setInterval(() => void this.look(), everyMs);
    void this.look();
  }

  /** To be called when the connection has come back, perhaps to another server. */
  catchUp(): void {
    this.caughtUp = false;
    void this.look();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private look(): Promise<void> {
    this.looking ??= this.compare()
      .catch((error: unknown) => this.logger.warn({ error }, 'the queue could not be compared'))
      .finally(() => (this.looking = undefined));
    return this.looking;
  }

  private async compare(): Promise<void> {
    const { registry } = this;
    const { now, sql } = registry;
    if (!this.isOnline()) return;
    // What waits in the outbox is not lost, and what was published a moment ago is not missed.
    const missed = !hasTasksToPublish(sql, now()) && readyBefore(sql, now() - everyMs).length > 0;
    if (this.caughtUp && !missed) return;
    const readAt = now();
    const queue = await this.scan.look();
    if (!queue) return;
    this.caughtUp = true;
    if (!missed) return;
    const lost = await queue.withoutMessage(readyBefore(sql, Math.max(queue.createdAt, readAt - patienceMs)));
    if (lost.length > 0) this.republish(lost.slice(0, batchSize));
  }

  private republish(lost: readonly Run[]): void {
    const again = this.registry.change((change) => {
      // Since the look, some may have been claimed.
      const still = new Map(readyBefore(change.sql, change.now).map((run) => [run.task, run]));
      const ready = lost.filter(
        ({ task, run, readySince }) =>
          still.get(task)?.run === run && still.get(task)?.readySince === readySince,
      );
      for (const run of ready) {
        change
          .sql('UPDATE runs SET ready_since = ? WHERE task = ? AND run = ?')
          .run(change.now, run.task, run.run);
        republishTask(change, run);
      }
      return ready.length;
    });
    if (again > 0) this.logger.warn({ tasks: again }, 'tasks were missing in the queue');
  }
}

/** The ready runs that should have been in the queue before a time, the oldest first. */
function readyBefore(sql: Sql, before: number): Run[] {
  return sql(
    `SELECT ${runColumns} FROM ${currentRuns}
     WHERE r.state = 'ready' AND r.ready_since < ? ORDER BY r.ready_since, t.id`,
  ).all(before) as unknown as Run[];
}

function hasTasksToPublish(sql: Sql, now: number): boolean {
  const due = sql(`SELECT 1 FROM outbox WHERE stream = 'tasks' AND due_at <= ? LIMIT 1`);
  return due.get(now) !== undefined;
}
