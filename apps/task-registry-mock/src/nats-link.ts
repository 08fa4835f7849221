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

/** The registry's side towards NATS. It serves without one; then what it has to say waits in the outbox. */
export class NatsLink {
  private connection: NatsConnection | undefined;
  private publisher: OutboxPublisher | undefined;
  private lostTasks: LostTasks | undefined;
  private control: ControlFeed | undefined;
  private online = false;
  private readonly stopping = new AbortController();
  private readonly stopListening: () => void;

  constructor(
    private readonly registry: Registry,
    private readonly logger: Logger,
    access: NatsAccess,
  ) {
    this.stopListening = registry.onCommitted(({ cancels }) => this.tellRunners(cancels));
    void this.connect(access);
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
            tell: (trouble) => this.logger.warn({ trouble }, 'waiting for NATS'),
          },
        );
        if (this.stopping.signal.aborted) return await connection.close();
        return this.use(connection);
      } catch (error) {
        if (this.stopping.signal.aborted) return;
        this.logger.error({ error }, 'NATS cannot be reached');
        await pause(2_000, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      }
    }
  }

  private use(connection: NatsConnection): void {
    this.connection = connection;
    this.online = true;
    const watch = new QueueWatch(this.registry, this.logger);
    watch.listen(connection);
    this.publisher = new OutboxPublisher(this.registry, connection, this.logger);
    this.lostTasks = new LostTasks(this.registry, connection, watch, () => this.online, this.logger);
    measureDeadLetters(connection, () => this.online);
    this.control = new ControlFeed(this.registry, connection, this.logger);
    void this.watch(connection, this.publisher, this.lostTasks);
    this.logger.info('connected to NATS');
  }

  private async watch(
    connection: NatsConnection,
    publisher: OutboxPublisher,
    lostTasks: LostTasks,
  ): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type !== 'disconnect' && type !== 'reconnect') continue;
      this.online = type === 'reconnect';
      publisher.setOnline(this.online);
      if (this.online) lostTasks.catchUp();
      this.logger.info({ online: this.online }, 'connection to NATS changed');
    }
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
