import { consumerName, streams, subjects, type QueuePlace } from '@necrocode/contracts';
import {
  AckPolicy,
  DeliverPolicy,
  jetstreamManager,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';

const day = 24 * 60 * 60 * 1000;
const minute = 60_000;

type WantedStream = Pick<StreamConfig, 'name' | 'subjects' | 'retention' | 'max_age' | 'duplicate_window'>;

const wanted: readonly WantedStream[] = [
  wantedStream(streams.tasks, RetentionPolicy.Workqueue, 0, 2 * minute),
  wantedStream(streams.results, RetentionPolicy.Limits, 30 * day, 60 * minute),
  wantedStream(streams.events, RetentionPolicy.Limits, 7 * day, 10 * minute),
  wantedStream(streams.dead, RetentionPolicy.Limits, 30 * day, 10 * minute),
];

/** Creates the system's streams, or leaves them as they are. Safe to call from every process. */
export async function ensureStreams(connection: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(connection);
  for (const stream of wanted) {
    const config = { ...stream, storage: StorageType.File };
    // Adding a stream that exists with the same configuration succeeds; with another, ours wins.
    await manager.streams.add(config).catch(() => manager.streams.update(stream.name, config));
  }
}

/** Creates the durable pull consumer of one queue and priority. Delivery is unlimited: attempts are counted by the registry. */
export async function ensureTaskConsumer(
  connection: NatsConnection,
  place: QueuePlace,
  ackWaitMs: number,
): Promise<void> {
  const manager: JetStreamManager = await jetstreamManager(connection);
  await manager.consumers.add(streams.tasks.name, {
    durable_name: consumerName(place),
    filter_subject: subjects.task(place),
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    replay_policy: ReplayPolicy.Instant,
    ack_wait: nanos(ackWaitMs),
    max_deliver: -1,
    max_ack_pending: 10_000,
    max_waiting: 512,
  });
}

function wantedStream(
  stream: { readonly name: string; readonly subjects: readonly string[] },
  retention: RetentionPolicy,
  maxAgeMs: number,
  duplicateWindowMs: number,
): WantedStream {
  return {
    name: stream.name,
    subjects: [...stream.subjects],
    retention,
    max_age: nanos(maxAgeMs),
    duplicate_window: nanos(duplicateWindowMs),
  };
}
