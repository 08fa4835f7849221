import { rmSync } from 'node:fs';
import { jest } from '@jest/globals';
import { keyOf, streams, subjects, taskRegistry, type QueuePlace, type Task } from '@necrocode/contracts';
import { connectNats, publishTask, type NatsConnection } from '@necrocode/messaging';
import { eventually, freePort, startNats, tempDir } from '@necrocode/testkit';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { newSpec, RegistryClient, taskOf } from './contract/registry-client.js';
import { readSettings } from './settings.js';
import { startTaskRegistry, type RunningTaskRegistry } from './start-task-registry.js';

jest.setTimeout(90_000);
const { TaskState } = taskRegistry;

describe('tasks whose messages are gone', () => {
  const port = freePort();
  const storeDir = tempDir();
  const dataDir = tempDir();
  let nats: Awaited<ReturnType<typeof startNats>>;
  let connection: NatsConnection;
  let registry: RunningTaskRegistry;
  let client: RegistryClient;

  const startServer = async () => startNats({ port: await port, storeDir });
  const startRegistry = async () => {
    const settings = {
      LISTEN_ADDRESS: `127.0.0.1:${await freePort()}`,
      DATA_DIR: dataDir,
      NATS_URL: `nats://127.0.0.1:${await port}`,
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
    nats = await startServer();
    connection = await connectNats({ url: nats.url, name: 'spec' });
    await startRegistry();
  });
  afterAll(async () => {
    await connection.close();
    await stopRegistry();
    await nats.stop();
  });

  /** Messages at a place, once there are as many as asked for. */
  const waiting = (place: QueuePlace, count: number) =>
    eventually(
      `${count} messages wait in ${place.queue}`,
      async () => {
        const manager = await jetstreamManager(connection);
        const subject = subjects.task(place);
        const { state } = await manager.streams.info(streams.tasks.name, { subjects_filter: subject });
        return state.subjects?.[subject] === count ? true : undefined;
      },
      60_000,
    );
  const state = (task: Task, wanted: taskRegistry.TaskState) =>
    eventually(`${task.task_id} is ${wanted}`, async () =>
      (await client.state(keyOf(task)).catch(() => undefined)) === wanted ? true : undefined,
    );
  const placeOf = (spec: string): QueuePlace => ({ queue: `q-${spec}`, priority: 'normal' });

  it('[AR-15.4] are published again after the server lost its disk, whoever had published them', async () => {
    const spec = newSpec();
    const place = placeOf(spec);
    const [root, heard, parked] = [
      taskOf(spec, 'root'),
      taskOf(spec, 'heard'),
      taskOf(spec, 'parked', { dependencies: ['root'] }),
    ];
    await client.create(root, { place });
    await waiting(place, 1);
    await publishTask(connection, heard, place);
    await publishTask(connection, parked, place);
    await waiting(place, 3);
    await state(heard, TaskState.TASK_STATE_READY);
    await state(parked, TaskState.TASK_STATE_BLOCKED);
    await nats.stop();
    rmSync(storeDir, { recursive: true });
    nats = await startServer();
    await waiting(place, 2);
    await client.run(root, 'done');
    await waiting(place, 3);
    expect(await client.state(keyOf(parked))).toBe(TaskState.TASK_STATE_READY);
  });

  it('[AR-15.4] are published again when that happened while the registry was away', async () => {
    const spec = newSpec();
    const place = placeOf(spec);
    await client.create(taskOf(spec, '1'), { place });
    await waiting(place, 1);
    await stopRegistry();
    await nats.stop();
    rmSync(storeDir, { recursive: true });
    nats = await startServer();
    await startRegistry();
    await waiting(place, 1);
  });

  it('[AR-15.4] are missed also in a stream that was only emptied', async () => {
    const spec = newSpec();
    const place = placeOf(spec);
    const [running, ready] = [taskOf(spec, 'running'), taskOf(spec, 'ready')];
    await client.create(running, { place });
    await client.granted(running, { place });
    await client.create(ready, { place });
    await waiting(place, 2);
    const manager = await jetstreamManager(connection);
    await manager.streams.purge(streams.tasks.name, { filter: subjects.task(place) });
    await waiting(place, 1);
    expect(await client.state(keyOf(ready))).toBe(TaskState.TASK_STATE_READY);
  });

  it('[AR-15.4] are missed also where other messages wait: for newer runners, duplicates, no tasks', async () => {
    const spec = newSpec();
    const place = placeOf(spec);
    const [kept, lost] = [taskOf(spec, 'kept'), taskOf(spec, 'lost')];
    await client.create(kept, { place });
    await client.create(lost, { place });
    await waiting(place, 2);
    const manager = await jetstreamManager(connection);
    const { state: queue } = await manager.streams.info(streams.tasks.name);
    const last = await manager.streams.getMessage(streams.tasks.name, { last_by_subj: subjects.task(place) });
    expect(last?.json()).toEqual(lost);
    await manager.streams.deleteMessage(streams.tasks.name, queue.last_seq);
    for (const body of [JSON.stringify({ ...kept, schema_version: 2 }), JSON.stringify(kept), 'no task'])
      connection.publish(subjects.task(place), body);
    await waiting(place, 5);
    const again = await manager.streams.getMessage(streams.tasks.name, {
      last_by_subj: subjects.task(place),
    });
    expect(again?.json()).toEqual(lost);
  });

  it('[AR-1.1] are none when the stream has refused them: their publisher was told so', async () => {
    const spec = newSpec();
    const place = placeOf(spec);
    const [refused, stored] = [taskOf(spec, 'refused'), taskOf(spec, 'stored')];
    const elsewhere = { expect: { lastSequence: 99_999_999 } };
    const publishing = jetstream(connection).publish(
      subjects.task(place),
      JSON.stringify(refused),
      elsewhere,
    );
    await expect(publishing).rejects.toThrow(/wrong last sequence/);
    await publishTask(connection, stored, place);
    await state(stored, TaskState.TASK_STATE_READY);
    await expect(client.get(keyOf(refused))).rejects.toThrow(/NOT_FOUND/);
  });

  it('[AR-1.5] are known, and can be cancelled, though they were published while the registry was away', async () => {
    const spec = newSpec();
    const task = taskOf(spec, '1');
    await stopRegistry();
    await publishTask(connection, task, placeOf(spec));
    await startRegistry();
    await state(task, TaskState.TASK_STATE_READY);
    expect(await client.cancel(keyOf(task))).toEqual({ state: TaskState.TASK_STATE_CANCELLED });
  });
});
