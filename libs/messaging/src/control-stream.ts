import { streams } from '@necrocode/contracts';
import {
  AckPolicy,
  DeliverPolicy,
  jetstreamManager,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';

/** A request that nobody took in for so long is of no use any more. */
const maxAgeMs = 60 * 60 * 1000;
const ackWaitMs = 30_000;

/**
 * Has the server keep requests to cancel until the registry has taken them in. Runners and publishers need to
 * know nothing of it: the subjects are what they were.
 *
 * @param consumer name of the durable consumer, which is made as well
 */
export async function ensureControlStream(connection: NatsConnection, consumer: string): Promise<void> {
  const manager = await jetstreamManager(connection);
  const { name, subjects } = streams.control;
  const config = {
    name,
    subjects: [...subjects],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(maxAgeMs),
    max_bytes: 64 * 1_048_576,
  };
  await manager.streams.add(config).catch(() => manager.streams.update(name, config));
  await manager.consumers.add(name, {
    durable_name: consumer,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    ack_wait: nanos(ackWaitMs),
    max_deliver: -1,
  });
}
