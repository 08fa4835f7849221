import { priorities, subjects, type QueuePlace } from '@necrocode/contracts';
import type { Logger } from '@necrocode/telemetry';
import type { NatsConnection } from '@nats-io/transport-node';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import type { Life, LifeSigns } from './life-signs/life-signs.js';
import { pullWaiting } from './pull.js';
import type { PulledMessage } from './pulled-message.js';
import { applySettlement, type Settlement } from './settlement.js';
import { ensureStreams, ensureTaskConsumer } from './streams.js';
import { TaskMessageContext } from './task-message.js';
import { WakeUp } from './wake-up.js';

/** The pattern of the one handler: `@EventPattern(taskPattern)`. It returns a `Settlement`. */
export const taskPattern = 'necrocode.task';

export interface TaskTransportOptions {
  readonly connection: NatsConnection;
  readonly lifeSigns: LifeSigns;
  readonly queues: readonly string[];
  /** Tasks at the same time; no more than these are ever taken from the stream. */
  readonly maxParallel: number;
  /** Silence after which the server delivers a message again; at least 5 × `heartbeatMs`. */
  readonly ackWaitMs: number;
  readonly heartbeatMs: number;
  /** How long the confirmation of an acknowledgement is tried for; 30 s unless given. */
  readonly settleWithinMs?: number;
  readonly logger: Logger;
}

/**
 * Pauses while nothing waits: short after a hint, which can overtake the storing of its message, then
 * longer, for messages that no hint announces (delivered again, sent before the start).
 */
const shortestIdleMs = 10;
const longestIdleMs = 1_000;
/** How long a message is kept alive for a handler that sets no deadline of its own. */
const firstDeadlineMs = 120_000;
const defaultSettleMs = 30_000;
/** Before the next try when NATS or the handler failed, so that nothing spins. */
const faultPauseMs = 2_000;

/**
 * Nest transport over JetStream pull consumers, one for each queue and priority. Takes the most urgent
 * first and only what there is room for, keeps what is being worked on alive, and settles each message
 * as the handler says, after it has finished.
 */
export class TaskTransport extends Server implements CustomTransportStrategy {
  private readonly wakeUp = new WakeUp();
  private readonly inFlight = new Set<Promise<void>>();
  private stopping = false;
  private loop: Promise<void> | undefined;

  constructor(private readonly options: TaskTransportOptions) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    this.loop = this.pullUntilStopped();
    callback();
  }

  /** Tasks that are being worked on. */
  get busy(): number {
    return this.inFlight.size;
  }

  /** Takes no more messages; resolves when the pull that may be under way has ended. */
  async stopPulling(): Promise<void> {
    this.stopping = true;
    this.wakeUp.ring();
    await this.loop;
  }

  /** Stops pulling and waits until everything taken is settled. */
  async close(): Promise<void> {
    await this.stopPulling();
    await Promise.all(this.inFlight);
  }

  on(): never {
    throw new Error('the task transport emits no events');
  }

  unwrap<T>(): T {
    return this.options.connection as T;
  }

  private async pullUntilStopped(): Promise<void> {
    const { connection, queues, logger } = this.options;
    const hints = queues.map((queue) =>
      connection.subscribe(subjects.tasksOfQueue(queue), { callback: () => this.wakeUp.ring() }),
    );
    let ready = false;
    let idleMs = shortestIdleMs;
    while (!this.stopping) {
      try {
        if (!ready) await this.createConsumers();
        ready = true;
        const taken = await this.pullByPriority();
        idleMs = taken > 0 ? shortestIdleMs : Math.min(idleMs * 2, longestIdleMs);
        const pause = this.hasRoom() ? idleMs : Infinity;
        if (taken === 0 && (await this.wakeUp.wait(pause))) idleMs = shortestIdleMs;
      } catch (error) {
        // Streams and consumers may be gone (a new server): make sure of them again.
        ready = false;
        if (this.stopping) break;
        logger.warn({ error }, 'pulling tasks failed');
        await this.wakeUp.wait(faultPauseMs);
      }
    }
    for (const hint of hints) hint.unsubscribe();
  }

  private async createConsumers(): Promise<void> {
    const { connection, ackWaitMs } = this.options;
    await ensureStreams(connection);
    for (const place of this.places()) await ensureTaskConsumer(connection, place, ackWaitMs);
  }

  private async pullByPriority(): Promise<number> {
    let taken = 0;
    for (const place of this.places()) {
      if (this.stopping || !this.hasRoom()) break;
      const room = this.options.maxParallel - this.inFlight.size;
      for (const message of await pullWaiting(this.options.connection, place, room)) {
        taken += 1;
        // What arrives after the end of pulling is for others.
        if (this.stopping) message.nak(0);
        else this.work(message);
      }
    }
    return taken;
  }

  /** Most urgent first, whatever the queue. */
  private places(): QueuePlace[] {
    return priorities.flatMap((priority) => this.options.queues.map((queue) => ({ queue, priority })));
  }

  private hasRoom(): boolean {
    return this.inFlight.size < this.options.maxParallel;
  }

  private work(message: PulledMessage): void {
    const { lifeSigns, heartbeatMs, settleWithinMs = defaultSettleMs } = this.options;
    const life = lifeSigns.open(firstDeadlineMs);
    life.give({ kind: 'working', subject: message.ackSubject }, heartbeatMs);
    const work = this.handle(message, life)
      .then((settlement) => {
        life.until(2 * settleWithinMs);
        return applySettlement(message, settlement, settleWithinMs);
      })
      .then((confirmed) => {
        if (!confirmed)
          this.options.logger.warn({ subject: message.subject }, 'acknowledgement not confirmed');
      })
      .catch((error: unknown) => this.options.logger.error({ error }, 'settling a task message failed'))
      .finally(() => {
        life.close();
        this.inFlight.delete(work);
        this.wakeUp.ring();
      });
    this.inFlight.add(work);
  }

  private async handle(message: PulledMessage, life: Life): Promise<Settlement> {
    const handler = this.getHandlerByPattern(taskPattern);
    if (!handler) throw new Error(`no handler for @EventPattern('${taskPattern}')`);
    try {
      const answer: unknown = await handler(message.data, new TaskMessageContext([message, life]));
      return (await lastValueFrom(this.transformToObservable(answer))) as Settlement;
    } catch (error) {
      this.options.logger.error({ error, subject: message.subject }, 'the task handler failed');
      return { kind: 'nak', delayMs: faultPauseMs };
    }
  }
}
