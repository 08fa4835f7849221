import { RunnerError, streams } from '@necrocode/contracts';
import type { NatsConnection } from '@necrocode/messaging';
import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import { countDeadLetters } from '../commands/dead-letters.js';
import type { NatsEndpoint } from '../endpoints.js';
import { isNotFound, manageStreams, withNats } from '../reach/nats.js';
import { Unreachable } from '../reach/unreachable.js';
import { fail, ok, warn, type Check } from './check.js';

/** NATS as far as it can be judged without the registry, and what waits in its queues. */
export interface NatsFindings {
  readonly checks: readonly Check[];
  /** Undefined when it could not be found out. */
  readonly queues: ReadonlyMap<string, QueueLoad> | undefined;
}

export interface QueueLoad {
  /** Messages that nobody has taken or finished. */
  readonly waiting: number;
  /** Some runner has served the queue at some time. */
  readonly hasConsumer: boolean;
}

export async function checkNats(endpoint: NatsEndpoint): Promise<NatsFindings> {
  try {
    return await withNats(endpoint, async (connection) => {
      const manager = await manageStreams(connection);
      const { checks, tasks } = await checkStreams(connection, manager);
      const letters = await checkDeadLetters(connection);
      return { checks: [...checks, letters], queues: tasks ? await loadOfQueues(manager, tasks) : new Map() };
    });
  } catch (error) {
    const detail = error instanceof Unreachable ? error.trouble : RunnerError.from(error).message;
    return {
      checks: [fail('nats', detail, 'npm run stack starts one; NATS_URL names another')],
      queues: undefined,
    };
  }
}

async function checkStreams(connection: NatsConnection, manager: JetStreamManager) {
  const infos = new Map<string, StreamInfo>();
  const missing: string[] = [];
  for (const { name } of Object.values(streams)) {
    const info = await findStream(manager, name);
    if (info) infos.set(name, info);
    else missing.push(name);
  }
  const server = `nats-server ${connection.info?.version ?? 'of unknown version'} at ${connection.getServer()}, JetStream on`;
  const checks = [
    ok('nats', server),
    missing.length === 0
      ? ok('streams', `all ${infos.size} are there`)
      : warn(
          'streams',
          `missing: ${missing.join(', ')}`,
          'they come with the first runner or registry that connects',
        ),
  ];
  return { checks, tasks: infos.get(streams.tasks.name) };
}

async function findStream(manager: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name, { subjects_filter: '>' });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function checkDeadLetters(connection: NatsConnection): Promise<Check> {
  const count = await countDeadLetters(connection);
  if (count === 0) return ok('dead letters', 'none');
  const remedy = 'necro dead list shows them, necro dead requeue SEQ sends one back';
  return warn('dead letters', count === 1 ? '1 message' : `${count} messages`, remedy);
}

/** Every queue that holds messages or has a consumer. */
async function loadOfQueues(manager: JetStreamManager, tasks: StreamInfo): Promise<Map<string, QueueLoad>> {
  const loads = new Map<string, QueueLoad>();
  const add = (queue: string, waiting: number, hasConsumer: boolean) => {
    const known = loads.get(queue) ?? { waiting: 0, hasConsumer: false };
    loads.set(queue, { waiting: known.waiting + waiting, hasConsumer: known.hasConsumer || hasConsumer });
  };
  for (const [subject, count] of Object.entries(tasks.state.subjects ?? {})) {
    add(subject.split('.')[2] ?? subject, count, false);
  }
  for await (const { name } of manager.consumers.list(tasks.config.name)) {
    const queue = /^tasks-(.+)-(?:high|normal|low)$/.exec(name)?.[1];
    if (queue !== undefined) add(queue, 0, true);
  }
  return loads;
}
