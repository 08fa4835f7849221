import { subjects } from '@necrocode/contracts';
import type { NatsConnection } from '@necrocode/messaging';
import type { Logger } from '@necrocode/telemetry';
import { LookAgain } from './look-again.js';
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
 * Reads what is stored in the queue, soon after something was heard to be published and again after each connect,
 * for the watch to take note of it. And publishes ready tasks again whose messages are gone: the server has lost
 * its disk, or somebody has purged the stream. A message too many is harmless, since the claim decides.
 */
export class LostTasks {
  private readonly stopping = new AbortController();
  private readonly again = new LookAgain(everyMs);
  private readonly scan: QueueScan;
  private readonly finished: Promise<void>;
  private comparedAt = 0;

  constructor(
    private readonly registry: Registry,
    connection: NatsConnection,
    watch: QueueWatch,
    private readonly isOnline: () => boolean,
    private readonly logger: Logger,
  ) {
    this.scan = new QueueScan(connection, watch, registry.now);
    connection.subscribe(subjects.allTasks, { callback: () => this.again.heard() });
    this.finished = this.run();
  }

  /** To be called when the connection has come back, perhaps to another server. */
  catchUp(): void {
    this.again.heard();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.finished;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      if (this.isOnline()) {
        await this.compare().catch((error: unknown) =>
          this.logger.warn({ error }, 'the queue could not be compared'),
        );
      }
      await this.again.due(signal);
    }
  }

  private async compare(): Promise<void> {
    const { now, sql } = this.registry;
    const readAt = now();
    // What waits in the outbox is not lost, and what was published a moment ago is not missed.
    const missed =
      readAt - this.comparedAt >= everyMs &&
      !hasTasksToPublish(sql, readAt) &&
      readyBefore(sql, readAt - everyMs).length > 0;
    const queue = await this.scan.look();
    if (!queue) return this.again.heard();
    if (!missed) return;
    this.comparedAt = readAt;
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
