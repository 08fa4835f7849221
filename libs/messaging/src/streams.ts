import { isDeepStrictEqual } from 'node:util';
import { consumerName, streams, subjects, type QueuePlace } from '@necrocode/contracts';
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  ReplayPolicy,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos, type NatsConnection } from '@nats-io/transport-node';
import { permissionViolation } from './nats-trouble.js';

const day = 24 * 60 * 60 * 1000;
const minute = 60_000;

type WantedStream = Pick<StreamConfig, 'name' | 'subjects' | 'retention' | 'max_age' | 'duplicate_window'>;

const wanted: readonly WantedStream[] = [
  wantedStream(streams.tasks, RetentionPolicy.Workqueue, 0, 2 * minute),
  wantedStream(streams.results, RetentionPolicy.Limits, 30 * day, 60 * minute),
  wantedStream(streams.events, RetentionPolicy.Limits, 7 * day, 10 * minute),
  wantedStream(streams.dead, RetentionPolicy.Limits, 30 * day, 10 * minute),
];

/**
 * Creates the system's streams, or leaves them as they are; of two configurations ours wins. Safe to call
 * from every process: whoever may only look is content with streams that are there.
 *
 * @throws RequestError where a stream is missing and only others may create it
 */
export async function ensureStreams(connection: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(connection);
  for (const stream of wanted) await ensureStream(manager, { ...stream, storage: StorageType.File });
}

async function ensureStream(manager: JetStreamManager, config: WantedStream & Pick<StreamConfig, 'storage'>) {
  const found = await manager.streams.info(config.name).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
      return undefined;
    throw error;
  });
  if (!found) {
    // Adding a stream that somebody else has just added with the same configuration succeeds.
    await manager.streams.add(config);
    return;
  }
  if (
    Object.entries(config).every(([name, value]) => isDeepStrictEqual(value, Reflect.get(found.config, name)))
  )
    return;
  await manager.streams.update(config.name, config).catch((error: unknown) => {
    if (!permissionViolation(error)) throw error;
  });
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
