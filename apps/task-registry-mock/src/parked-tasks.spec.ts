import { jest } from '@jest/globals';
import { consumerName, streams, taskRegistry, type QueuePlace, type Task } from '@necrocode/contracts';
import {
  connectNats,
  ensureStreams,
  LifeSigns,
  publishTask,
  taskPattern,
  TaskTransport,
  type NatsConnection,
  type Settlement,
  type TaskMessageContext,
} from '@necrocode/messaging';
import { createLogger } from '@necrocode/telemetry';
import { eventually, freePort, startNats, tempDir } from '@necrocode/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { newSpec, RegistryClient, resultOf, taskOf } from './contract/registry-client.js';
import { readSettings } from './settings.js';
import { startTaskRegistry, type RunningTaskRegistry } from './start-task-registry.js';

jest.setTimeout(180_000);
const { TaskState } = taskRegistry;
const maxParallel = 8;
const logger = createLogger({ name: 'spec', level: 'silent' });

/** Runners that do nothing but claim and report, over the real transport. */
describe('many tasks that cannot run yet', () => {
  const settings = freePort().then((port) => ({
    LISTEN_ADDRESS: `127.0.0.1:${port}`,
    DATA_DIR: tempDir(),
    LOG_LEVEL: 'silent',
  }));
  let nats: Awaited<ReturnType<typeof startNats>>;
  let connection: NatsConnection;
  let lifeSigns: LifeSigns;
  let registry: RunningTaskRegistry;
  let client: RegistryClient;
  const transports: TaskTransport[] = [];

  const startRegistry = async () => {
    registry = await startTaskRegistry(readSettings({ ...(await settings), NATS_URL: nats.url }));
    client = new RegistryClient(registry.address);
  };
  const stopRegistry = async () => {
    client.close();
    await registry.close();
  };
  beforeAll(async () => {
    nats = await startNats();
    connection = await connectNats({ url: nats.url, name: 'spec' });
    await ensureStreams(connection);
    lifeSigns = new LifeSigns({ nats: { url: nats.url, name: 'spec' }, logger });
    await startRegistry();
  });
  afterAll(async () => {
    await lifeSigns.close();
    await connection.close();
    await stopRegistry();
    await nats.stop();
  });
  afterEach(() => Promise.all(transports.splice(0).map((transport) => transport.close())));

  const startRunner = (queue: string, runnerId: string, done: string[]) => {
    const transport = new TaskTransport({
      connection,
      lifeSigns,
      queues: [queue],
      maxParallel,
      ackWaitMs: 30_000,
      heartbeatMs: 5_000,
      logger,
    });
    const handle = async (data: Uint8Array, context: TaskMessageContext): Promise<Settlement> => {
      const task = JSON.parse(Buffer.from(data).toString()) as Task;
      const { granted } = await client.claim(task, { runnerId, place: context.place });
      if (!granted?.lease) return { kind: 'ack' };
      const key = { specName: task.spec_name, taskId: task.task_id };
      await client.report({ key, fencingToken: granted.lease.fencingToken }, resultOf(task, 'done'));
      done.push(task.task_id);
      return { kind: 'ack' };
    };
    transport.addHandler(taskPattern, handle as never, true);
    transport.listen(() => undefined);
    transports.push(transport);
    return transport;
  };
  const publish = (tasks: readonly Task[], place: QueuePlace) =>
    Promise.all(tasks.map((task) => publishTask(connection, task, place)));
  const listed = async (specName: string, state: taskRegistry.TaskState) => {
    let found = 0;
    for (let pageToken = ''; ;) {
      const page = await client.list({ specName, states: [state], pageSize: 500, pageToken });
      found += page.tasks.length;
      pageToken = page.nextPageToken;
      if (pageToken === '') return found;
    }
  };
  const all = (specName: string, count: number, state: taskRegistry.TaskState) =>
    eventually(
      `${count} tasks of ${specName} are in state ${state}`,
      async () => ((await listed(specName, state)) === count ? true : undefined),
      120_000,
    );
  const consumer = async (place: QueuePlace) =>
    (await jetstreamManager(connection)).consumers.info(streams.tasks.name, consumerName(place));

  it('[AR-14.3] all run after the one that they wait for, which was published last', async () => {
    const spec = newSpec();
    const place = { queue: `q-${spec}`, priority: 'normal' } as const;
    const count = 1_500;
    const dependants = Array.from({ length: count }, (_, n) =>
      taskOf(spec, `d${n}`, { dependencies: ['root'] }),
    );
    await publish(dependants, place);
    const done: string[] = [];
    startRunner(place.queue, 'runner-1', done);
    startRunner(place.queue, 'runner-2', done);
    await all(spec, count, TaskState.TASK_STATE_BLOCKED);
    // Nothing that waits stands in the queue's way.
    await eventually('the queue is empty', async () => {
      const { num_ack_pending, num_pending } = await consumer(place);
      return num_ack_pending + num_pending === 0 ? true : undefined;
    });
    await stopRegistry();
    await startRegistry();
    await publish([taskOf(spec, 'root')], place);
    await all(spec, count + 1, TaskState.TASK_STATE_DONE);
    expect(done).toHaveLength(count + 1);
    expect(new Set(done).size).toBe(count + 1);
    expect(done[0]).toBe('root');
  });

  it('[AR-14.3] run one after the other along a chain that was published backwards', async () => {
    const spec = newSpec();
    const place = { queue: `q-${spec}`, priority: 'normal' } as const;
    const chain = Array.from({ length: 60 }, (_, n) =>
      taskOf(spec, `c${n}`, n === 0 ? {} : { dependencies: [`c${n - 1}`] }),
    );
    const done: string[] = [];
    startRunner(place.queue, 'runner-1', done);
    await publish(chain.toReversed(), place);
    await all(spec, chain.length, TaskState.TASK_STATE_DONE);
    expect(done).toEqual(chain.map((task) => task.task_id));
  });
});
