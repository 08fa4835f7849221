import { jest } from '@jest/globals';
import { keyOf, streams, subjects, taskRegistry, type Task } from '@necrocode/contracts';
import { connectNats, publishTask, type NatsConnection } from '@necrocode/messaging';
import { eventually, freePort, startNats, tempDir } from '@necrocode/testkit';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { newSpec, RegistryClient, taskOf } from './contract/registry-client.js';
import { readSettings } from './settings.js';
import { startTaskRegistry, type RunningTaskRegistry } from './start-task-registry.js';

jest.setTimeout(60_000);
const { TaskState } = taskRegistry;

describe('requests to cancel that come over NATS', () => {
  const dataDir = tempDir();
  let nats: Awaited<ReturnType<typeof startNats>>;
  let connection: NatsConnection;
  let registry: RunningTaskRegistry;
  let client: RegistryClient;

  const startRegistry = async () => {
    const settings = {
      LISTEN_ADDRESS: `127.0.0.1:${await freePort()}`,
      DATA_DIR: dataDir,
      NATS_URL: nats.url,
      LOG_LEVEL: 'silent',
    };
    registry = await startTaskRegistry(readSettings(settings));
    client = new RegistryClient(registry.address);
  };
  const stopRegistry = async () => {
    client.close();
    await registry.close();
  };
  beforeAll(async () => {
    nats = await startNats();
    connection = await connectNats({ url: nats.url, name: 'spec' });
    await startRegistry();
  });
  afterAll(async () => {
    await connection.close();
    await stopRegistry();
    await nats.stop();
  });

  const ask = async (task: Task) => {
    connection.publish(subjects.cancel(keyOf(task)), 'not needed');
    await connection.flush();
  };
  const cancelled = (task: Task) =>
    eventually(`${task.task_id} is cancelled`, async () =>
      (await client.state(keyOf(task)).catch(() => undefined)) === TaskState.TASK_STATE_CANCELLED
        ? true
        : undefined,
    );

  it('[AR-1.5] count also for a registry that was away', async () => {
    const spec = newSpec();
    const first = taskOf(spec, 'first');
    const parked = taskOf(spec, 'parked', { dependencies: ['root'] });
    // Once the first is cancelled, requests are kept for sure.
    await client.create(first);
    await ask(first);
    await cancelled(first);
    await client.create(parked);
    await stopRegistry();
    await ask(parked);
    await startRegistry();
    await cancelled(parked);
  });

  it('[AR-1.5] are taken in before a registry that was away lets anybody work', async () => {
    const task = taskOf(newSpec(), 'queued');
    await client.create(task);
    await stopRegistry();
    await ask(task);
    await startRegistry();
    expect((await client.claim(task)).alreadyHandled?.state).toBe(TaskState.TASK_STATE_CANCELLED);
  });

  it('[AR-1.5] wait for no process that had received them and died', async () => {
    const { name } = streams.control;
    const manager = await jetstreamManager(connection);
    const task = taskOf(newSpec(), 'queued');
    await client.create(task);
    await stopRegistry();
    await ask(task);
    // What an earlier version left behind, with the request delivered and not acknowledged.
    await manager.consumers.add(name, { durable_name: 'task-registry', ack_policy: AckPolicy.Explicit });
    const died = await jetstream(connection).consumers.get(name, 'task-registry');
    const { num_pending: pending } = await died.info();
    const received = await died.fetch({ max_messages: pending });
    for await (const { subject } of received) if (subject === subjects.cancel(keyOf(task))) received.stop();
    await startRegistry();
    expect((await client.claim(task)).alreadyHandled?.state).toBe(TaskState.TASK_STATE_CANCELLED);
    await manager.consumers.delete(name, 'task-registry');
  });

  it('[AR-1.5] are taken in once, however often the registry starts', async () => {
    const task = taskOf(newSpec(), 'again');
    await client.create(task);
    await ask(task);
    await cancelled(task);
    await client.retry(keyOf(task));
    await stopRegistry();
    await startRegistry();
    expect(await client.state(keyOf(task))).toBe(TaskState.TASK_STATE_READY);
  });

  it('[AR-1.5] are taken in from a server that has lost its disk, and counts anew', async () => {
    const task = taskOf(newSpec(), 'elsewhere');
    await client.create(task);
    const manager = await jetstreamManager(connection);
    await manager.streams.delete(streams.control.name);
    const other = taskOf(newSpec(), 'other');
    await client.create(other);
    await eventually('the stream is there again', async () => {
      connection.publish(subjects.cancel(keyOf(other)));
      await manager.streams.info(streams.control.name);
      return true;
    });
    await ask(task);
    await cancelled(task);
  });

  it('[AR-1.5] count for a message that was published before, though it is heard of later', async () => {
    const spec = newSpec();
    const [before, after, other] = [taskOf(spec, 'before'), taskOf(spec, 'after'), taskOf(spec, 'other')];
    const earlier = new Date(Date.now() - 1_000);
    await ask(before);
    await ask(after);
    // Requests are heard in order.
    await client.create(other);
    await ask(other);
    await cancelled(other);
    const claim = await client.claim(before, { publishedAt: earlier });
    expect(claim.alreadyHandled?.state).toBe(TaskState.TASK_STATE_CANCELLED);
    expect(await client.errorCode(keyOf(before))).toBe('cancelled');
    await client.granted(after, { publishedAt: new Date(Date.now() + 1_000) });
  });

  it.each([20_000, -20_000])(
    '[AR-1.5] count whatever the clock of the registry says: %d ms away from that of NATS',
    async (skew) => {
      const now = Date.now.bind(Date);
      const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + skew);
      try {
        await stopRegistry();
        await startRegistry();
        const spec = newSpec();
        const [published, called] = [taskOf(spec, 'published'), taskOf(spec, 'called')];
        await publishTask(connection, published, { queue: 'default', priority: 'normal' });
        await eventually('it is noted', () => client.state(keyOf(published)));
        await client.create(called);
        await ask(published);
        await ask(called);
        await cancelled(published);
        await cancelled(called);
        const again = { ...published, title: 'other content' };
        await publishTask(connection, again, { queue: 'default', priority: 'normal' });
        await eventually('its next run waits', async () =>
          (await client.state(keyOf(again))) === TaskState.TASK_STATE_READY ? true : undefined,
        );
        expect(await client.cancel(keyOf(again))).toEqual({ state: TaskState.TASK_STATE_CANCELLED });
      } finally {
        await stopRegistry();
        clock.mockRestore();
        await startRegistry();
      }
    },
  );

  it('[AR-1.5] are kept for an unknown key also when they come by a call, which says that it is unknown', async () => {
    const task = taskOf(newSpec(), '1');
    const earlier = new Date(Date.now() - 1_000);
    await expect(client.cancel(keyOf(task))).rejects.toThrow(/NOT_FOUND.*as soon as it is heard of/);
    expect((await client.claim(task, { publishedAt: earlier })).alreadyHandled?.state).toBe(
      TaskState.TASK_STATE_CANCELLED,
    );
    // The same content once more is its next run, which nobody has cancelled.
    await client.retry(keyOf(task));
    await client.granted(task, { publishedAt: earlier });
  });
});
