import { jest } from '@jest/globals';
import { keyOf, subjects, taskRegistry, type Task } from '@necrocode/contracts';
import { connectNats, type NatsConnection } from '@necrocode/messaging';
import { eventually, freePort, startNats, tempDir } from '@necrocode/testkit';
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
