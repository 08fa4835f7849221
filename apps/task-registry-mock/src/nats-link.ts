import { setTimeout as pause } from 'node:timers/promises';
import { subjects, type NatsAccess } from '@necrocode/contracts';
import { connectNats, type NatsConnection } from '@necrocode/messaging';
import type { Logger } from '@necrocode/telemetry';
import { headers } from '@nats-io/transport-node';
import { ControlFeed, origin, originHeader } from './control-feed.js';
import { LostTasks } from './lost-tasks.js';
import { measureDeadLetters } from './measure-dead-letters.js';
import { OutboxPublisher } from './outbox-publisher.js';
import { QueueWatch } from './queue-watch.js';
import type { Change, Registry } from './registry.js';

const drainDeadlineMs = 3_000;
/** How long the start waits for NATS. */
const startDeadlineMs = 5_000;
/** How long publishing waits for requests to cancel, before a stream that cannot be read stops everything. */
const catchUpDeadlineMs = 30_000;

/**
 * The registry's side towards NATS. Whenever there is a connection, the requests to cancel that were made
 * meanwhile are taken in first, and only then is anything published.
 *
 * The registry serves without NATS too; then what it has to say waits in the outbox. Meanwhile nobody's request
 * to cancel comes through NATS, but one that was stored just before is not known: a runner that holds a message
 * may be granted its claim, and is told to stop as soon as NATS is back. What is parked or queued is not begun,
 * since that takes a message.
 */
export class NatsLink {
  private connection: NatsConnection | undefined;
  private publisher: OutboxPublisher | undefined;
  private lostTasks: LostTasks | undefined;
  private control: ControlFeed | undefined;
  private online = false;
  private readonly stopping = new AbortController();
  private readonly stopListening: () => void;
  private readonly begun = Promise.withResolvers<void>();

  constructor(
    private readonly registry: Registry,
    private readonly logger: Logger,
    access: NatsAccess,
  ) {
    this.stopListening = registry.onCommitted(({ cancels }) => this.tellRunners(cancels));
    void this.connect(access);
  }

  /** Resolves once requests to cancel have been taken in, or when NATS keeps the registry waiting. */
  started(): Promise<void> {
    return within(startDeadlineMs, this.begun.promise);
  }

  /** Publishes what is left in the outbox, as far as it can, and disconnects. */
  async stop(): Promise<void> {
    this.stopListening();
    this.stopping.abort();
    await this.control?.stop();
    await this.lostTasks?.stop();
    await this.publisher?.stop(drainDeadlineMs);
    await this.connection?.close();
  }

  private async connect(access: NatsAccess): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        const connection = await connectNats(
          { ...access, name: 'task-registry' },
          {
            signal: this.stopping.signal,
            tell: (trouble) => {
              this.begun.resolve();
              this.logger.warn({ trouble }, 'waiting for NATS');
            },
          },
        );
        if (this.stopping.signal.aborted) return await connection.close();
        return await this.use(connection);
      } catch (error) {
        if (this.stopping.signal.aborted) return;
        this.begun.resolve();
        this.logger.error({ error }, 'NATS cannot be reached');
        await pause(2_000, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      }
    }
  }

  private async use(connection: NatsConnection): Promise<void> {
    this.connection = connection;
    this.online = true;
    const control = new ControlFeed(this.registry, connection, this.logger);
    this.control = control;
    void this.watch(connection, control);
    await this.catchUp(control);
    this.begun.resolve();
    if (this.stopping.signal.aborted) return;
    const watch = new QueueWatch(this.registry, this.logger);
    this.publisher = new OutboxPublisher(this.registry, connection, this.logger);
    this.publisher.setOnline(this.online);
    this.lostTasks = new LostTasks(this.registry, connection, watch, () => this.online, this.logger);
    measureDeadLetters(connection, () => this.online);
    this.logger.info('connected to NATS');
  }

  private async watch(connection: NatsConnection, control: ControlFeed): Promise<void> {
    let connects = 0;
    for await (const { type } of connection.status()) {
      if (type !== 'disconnect' && type !== 'reconnect') continue;
      this.online = type === 'reconnect';
      this.logger.info({ online: this.online }, 'connection to NATS changed');
      connects += 1;
      if (this.online) void this.comeBack(control, () => connects);
      else this.publisher?.setOnline(false);
    }
  }

  /** Goes on publishing, unless the connection has changed again meanwhile. */
  private async comeBack(control: ControlFeed, connects: () => number): Promise<void> {
    const before = connects();
    await this.catchUp(control);
    if (connects() !== before || this.stopping.signal.aborted) return;
    this.publisher?.setOnline(true);
    this.lostTasks?.catchUp();
  }

  private catchUp(control: ControlFeed): Promise<void> {
    return within(catchUpDeadlineMs, control.caughtUp());
  }

  /** A shortcut only: a runner that misses it hears the same with its next renewal. */
  private tellRunners(cancels: Change['cancels']): void {
    if (!this.connection || !this.online) return;
    for (const { key, reason } of cancels) {
      const marked = headers();
      marked.set(originHeader, origin);
      this.connection.publish(subjects.cancel(key), JSON.stringify({ reason }), { headers: marked });
    }
  }
}

async function within(deadlineMs: number, done: Promise<void>): Promise<void> {
  const given = new AbortController();
  const deadline = pause(deadlineMs, undefined, { signal: given.signal }).catch(() => undefined);
  await Promise.race([done, deadline]).finally(() => given.abort());
}
