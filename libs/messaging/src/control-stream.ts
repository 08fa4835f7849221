import { streams } from '@necrocode/contracts';
import { jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';

/** A request that nobody took in for so long is of no use any more. */
const maxAgeMs = 60 * 60 * 1000;

/**
 * Has the server keep requests to cancel, also while the registry is away. Runners and publishers need to
 * know nothing of it: the subjects are what they were. It has no consumer: the registry reads it by sequence and
 * remembers itself how far it is, since a consumer would wait for the acknowledgements of a reader that has died.
 */
export async function ensureControlStream(connection: NatsConnection): Promise<void> {
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
}
