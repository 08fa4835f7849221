import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import {
  headers as names,
  msgIdOf,
  streams,
  subjects,
  taskEventSchema,
  taskResultSchema,
  type TaskKey,
  type TaskResult,
} from '@necrocode/contracts';
import { connectNats, type NatsConnection } from '@necrocode/messaging';
import { eventually, freePort, startNats, tempDir } from '@necrocode/testkit';
import { DiscardPolicy, jetstream, jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { keyAndToken, newSpec, RegistryClient, resultOf, taskOf } from './contract/registry-client.js';
import { readSettings } from './settings.js';
import { startTaskRegistry, type RunningTaskRegistry } from './start-task-registry.js';

type Nats = Awaited<ReturnType<typeof startNats>>;

// Servers are started and lost here; the client's own patience alone is seconds.
jest.setTimeout(30_000);

describe('outbox', () => {
  const traceparent = '00-11111111111111111111111111111111-2222222222222222-01';
  const port = freePort();
  const storeDir = tempDir();
  const dataDir = tempDir();
  let nats: Nats;
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
  /** Messages of a stream under a subject, once there are as many as asked for. */
  const stored = (stream: string, subject: string, count: number) =>
    eventually(`${count} messages on ${subject}`, async () => {
      const found = await messagesOf(connection, stream, subject);
      return found.length >= count ? found : undefined;
    });
  const results = (key: TaskKey, count = 1) => stored(streams.results.name, subjects.result(key), count);

  beforeAll(startRegistry);
  afterAll(async () => {
    await connection.close();
    await stopRegistry();
    await nats.stop();
  });

  it('[AR-15.4] serves without NATS, and publishes everything once it is there', async () => {
    const task = taskOf(newSpec(), '1');
    const held = await client.granted(task, { traceparent });
    const { key } = held;
    await client.release(held);
    await client.run(task, 'done');
    nats = await startServer();
    connection = await connectNats({ url: nats.url, name: 'spec' });
    const [message] = await results(key);
    expect(taskResultSchema.parse(message?.json())).toMatchObject({ task_id: '1', status: 'done' });
    expect(message?.header.get(names.msgId)).toBe(`${task.spec_name}/1#1`);
    expect(message?.header.get(names.traceparent)).toBe(traceparent);
    const events = await stored(streams.events.name, `necrocode.events.*.${task.spec_name}.1`, 5);
    const documents = events.map((event) => taskEventSchema.parse(event.json()));
    expect(documents.map(({ type }) => type)).toEqual([
      'TaskCreated',
      'TaskClaimed',
      'LeaseReleased',
      'TaskClaimed',
      'TaskCompleted',
    ]);
    expect(documents.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  });

  it('[AR-7.3] publishes one result per run, whoever reports again', async () => {
    const task = taskOf(newSpec(), '1');
    const held = await client.granted(task);
    await Promise.all(
      ['done', 'failed', 'done'].map((status) => client.report(held, resultOf(task, status as 'done'))),
    );
    // What comes later in the outbox is published later.
    const later = taskOf(task.spec_name, '2');
    await client.run(later, 'done');
    await results(keyAndToken(later, 0n).key);
    expect(await results(held.key)).toHaveLength(1);
  });

  it('[AR-15.4] loses nothing while NATS is away', async () => {
    await nats.stop();
    const task = taskOf(newSpec(), '1');
    await client.run(task, 'failed');
    nats = await startServer();
    const found = await results(keyAndToken(task, 0n).key);
    expect(found.map((message) => taskResultSchema.parse(message.json()).status)).toEqual(['failed']);
  });

  it('[AR-7.3] recognises a result that it had sent, however long ago', async () => {
    const task = taskOf(newSpec(), '1');
    const { key } = keyAndToken(task, 0n);
    await client.run(task, 'done');
    const [message] = await results(key);
    await stopRegistry();
    await forgetIds(connection);
    // As if the process had died between the stream's acknowledgement and the deletion of the row.
    putBack(dataDir, subjects.result(key), `${task.spec_name}/1#1`, JSON.stringify(message?.json()));
    await startRegistry();
    const later = taskOf(task.spec_name, '2');
    await client.run(later, 'done');
    await results(keyAndToken(later, 0n).key);
    expect(await results(key)).toHaveLength(1);
  });

  it('[AR-15.1] publishes a created task under the id that any publisher would use', async () => {
    const task = taskOf(newSpec(), '1');
    const place = { queue: `q-${task.spec_name}`, priority: 'high' } as const;
    await client.create(task, { place });
    const [message] = await stored(streams.tasks.name, subjects.task(place), 1);
    expect(message?.json()).toEqual(task);
    expect(message?.header.get(names.msgId)).toBe(msgIdOf(task));
  });

  it('[AR-15.1] publishes a task again whenever it becomes ready, with its trace', async () => {
    const spec = newSpec();
    const place = { queue: `q-${spec}`, priority: 'low' } as const;
    const task = taskOf(spec, '2', { dependencies: ['1'] });
    await client.claim(task, { place, traceparent });
    await client.run(taskOf(spec, '1'), 'done');
    await stored(streams.tasks.name, subjects.task(place), 1);
    await client.release(await client.granted(task, { place }));
    await client.granted(task, { place, leaseSeconds: 1 });
    const messages = await stored(streams.tasks.name, subjects.task(place), 3);
    expect(messages.map((message) => message.json())).toEqual([task, task, task]);
    expect(messages.map((message) => message.header.get(names.traceparent))).toEqual(
      Array(3).fill(traceparent),
    );
    expect(messages.map((message) => message.header.get(names.msgId))).toEqual(
      [1, 2, 3].map((n) => `${msgIdOf(task)}#${n}`),
    );
  });

  it('[AR-8.3] publishes one dead letter for a task whose attempts are used up: its bytes and headers', async () => {
    const spec = newSpec();
    const place = { queue: `q-${spec}`, priority: 'normal' } as const;
    const task = taskOf(spec, '1');
    const taskJson = `${JSON.stringify(task, null, 4)}\n\n`;
    const claim = { place, traceparent, taskJson, headers: { 'My-Header': 'kept' } };
    for (let n = 0; n < 5; n += 1) await client.release(await client.granted(task, claim));
    const [result] = await results({ specName: spec, taskId: '1' });
    expect(taskResultSchema.parse(result?.json()).error?.code).toBe('attempts_exhausted');
    const letters = await stored(streams.dead.name, subjects.dead(place.queue), 1);
    expect(letters.map((letter) => letter.string())).toEqual([taskJson]);
    expect(letters[0]?.header.get('My-Header')).toBe('kept');
    const told = [names.deadCode, names.deadAttempts, names.deadSubject, names.traceparent];
    expect(told.map((name) => letters[0]?.header.get(name))).toEqual([
      'attempts_exhausted',
      '5',
      subjects.task(place),
      traceparent,
    ]);
  });

  it('[AR-1.5] hears a cancel from NATS', async () => {
    const held = await client.granted(taskOf(newSpec(), '1'));
    connection.publish(subjects.cancel(held.key), JSON.stringify({ reason: 'changed my mind' }));
    const { dataJson } = await client.until(held.key, 'CancelRequested');
    expect(JSON.parse(dataJson)).toEqual({ reason: 'changed my mind' });
  });

  it('[AR-1.5] tells runners of a cancel at once', async () => {
    const held = await client.granted(taskOf(newSpec(), '1'));
    const subscription = connection.subscribe(subjects.cancel(held.key), { max: 1 });
    await connection.flush();
    await client.cancel(held.key, 'changed my mind');
    for await (const message of subscription) expect(message.json()).toEqual({ reason: 'changed my mind' });
    await client.report(held, resultOf(taskOf(held.key.specName, '1'), 'cancelled'));
    expect(await client.eventTypes(held.key)).toEqual([
      'TaskCreated',
      'TaskClaimed',
      'CancelRequested',
      'TaskCancelled',
    ]);
  });

  const nothingLeft = (spec: string) =>
    eventually('the outbox has nothing of it', () => (countRows(dataDir, spec) === 0 ? true : undefined));

  it('[AR-7.3] publishes a result that is too large as far as there is room, and keeps the whole', async () => {
    const spec = newSpec();
    const { key, ...large } = await client.granted(taskOf(spec, '1'));
    const files = Array.from({ length: 4_500 }, (_, n) => `${n}/${'x'.repeat(235)}`);
    await client.report({ key, ...large }, resultOf(taskOf(spec, '1'), 'done', { files_changed: files }));
    const [message] = await results(key);
    const published = taskResultSchema.parse(message?.json());
    expect(published).toMatchObject({ status: 'done', truncated: { files_changed: 4_500 } });
    expect(published.files_changed.length).toBeGreaterThan(4_000);
    const { task } = await client.get(key);
    expect((JSON.parse(task?.resultJson ?? '') as TaskResult).files_changed).toHaveLength(4_500);
    await nothingLeft(spec);
  });

  it('[AR-7.3] publishes a result also where the stream takes less than the server', async () => {
    const spec = newSpec();
    const manager = await jetstreamManager(connection);
    await manager.streams.update(streams.results.name, { max_msg_size: 20_000 });
    try {
      const held = await client.granted(taskOf(spec, '1'));
      const warnings = Array<string>(100).fill('x'.repeat(1_000));
      await client.report(held, resultOf(taskOf(spec, '1'), 'done', { warnings }));
      const [message] = await results(held.key);
      expect(taskResultSchema.parse(message?.json()).truncated).toEqual({ warnings: 100 });
    } finally {
      await manager.streams.update(streams.results.name, { max_msg_size: -1 });
    }
  });

  it('[AR-15.4] fails a task that NATS takes no more when it is ready, and tries it no further', async () => {
    const spec = newSpec();
    const place = { queue: `q-${spec}`, priority: 'low' } as const;
    const large = taskOf(spec, '2', { dependencies: ['1'], description: 'x'.repeat(30_000) });
    await client.claim(large, { place });
    const manager = await jetstreamManager(connection);
    await manager.streams.update(streams.tasks.name, { max_msg_size: 20_000 });
    try {
      await client.run(taskOf(spec, '1'), 'done');
      const [message] = await results(keyAndToken(large, 0n).key);
      const { status, error } = taskResultSchema.parse(message?.json());
      expect([status, error?.code]).toEqual(['failed', 'invalid_task']);
      expect(error?.message).toContain('too large');
      const [letter] = await stored(streams.dead.name, subjects.dead(place.queue), 1);
      expect(letter?.json()).toEqual(large);
      await nothingLeft(spec);
    } finally {
      await manager.streams.update(streams.tasks.name, { max_msg_size: -1 });
    }
  });

  it('[AR-15.4] publishes results, tasks and dead letters although the stream of events is full', async () => {
    const spec = newSpec();
    const place = { queue: `q-${spec}`, priority: 'normal' } as const;
    const manager = await jetstreamManager(connection);
    const { state } = await manager.streams.info(streams.events.name);
    const full = { max_msgs: state.messages, discard: DiscardPolicy.New } as const;
    await manager.streams.update(streams.events.name, full);
    try {
      // More events than any batch holds, all of them before what follows.
      for (let n = 0; n < 60; n += 1) await client.run(taskOf(spec, `filler-${n}`), 'done');
      await client.create(taskOf(spec, 'last'), { place });
      await client.run(taskOf(spec, '1'), 'failed');
      await stored(streams.tasks.name, subjects.task(place), 1);
      await results({ specName: spec, taskId: '1' });
      expect(countRows(dataDir, spec)).toBeGreaterThan(100);
    } finally {
      await manager.streams.update(streams.events.name, { max_msgs: -1, discard: DiscardPolicy.Old });
    }
    const events = await stored(streams.events.name, `necrocode.events.*.${spec}.1`, 3);
    expect(events.map((event) => taskEventSchema.parse(event.json()).sequence)).toEqual([1, 2, 3]);
  });

  it('[AR-7.3] makes one result of a refusal with an endless reason', async () => {
    const key = { specName: newSpec(), taskId: '1' };
    const message = 'x'.repeat(1_400_000);
    await client.refuse({ key, message, original: Buffer.from('{}') });
    const [published] = await results(key);
    const { error } = taskResultSchema.parse(published?.json());
    expect(error?.message).toMatch(/^x{1000}.*more characters\)$/);
    const [refused] = await stored(streams.events.name, subjects.event('TaskRefused', key), 1);
    expect(taskEventSchema.parse(refused?.json()).data).toMatchObject({ code: 'invalid_task' });
    await nothingLeft(key.specName);
  });
});

/** Reads what a stream holds under a subject, in order, without consuming it. */
async function messagesOf(connection: NatsConnection, stream: string, subject: string): Promise<StoredMsg[]> {
  const { streams: api } = await jetstreamManager(connection);
  const { state } = await api.info(stream);
  const sequences = Array.from(
    { length: state.messages && state.last_seq - state.first_seq + 1 },
    (_, index) => state.first_seq + index,
  );
  const messages = await Promise.all(sequences.map((seq) => api.getMessage(stream, { seq })));
  const wanted = new RegExp(
    `^${subject
      .split('.')
      .map((token) => (token === '*' ? '[^.]+' : token))
      .join('[.]')}$`,
  );
  return messages.filter((message) => message !== null).filter((message) => wanted.test(message.subject));
}

/** Makes the stream of results forget the ids of its messages: what takes an hour otherwise. */
async function forgetIds(connection: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(connection);
  const probe = () => jetstream(connection).publish('necrocode.results.probe.1', '', { msgID: 'probe' });
  await probe();
  await manager.streams.update(streams.results.name, { duplicate_window: nanos(100) });
  await eventually('the duplicate window has passed', async () =>
    (await probe()).duplicate ? undefined : true,
  );
}

function putBack(dataDir: string, subject: string, msgId: string, body: string): void {
  const db = new DatabaseSync(join(dataDir, 'task-registry.sqlite'));
  const insert = db.prepare(
    `INSERT INTO outbox (subject, msg_id, traceparent, body, due_at) VALUES (?, ?, '', ?, 0)`,
  );
  insert.run(subject, msgId, body);
  db.close();
}

function countRows(dataDir: string, spec: string): number {
  const db = new DatabaseSync(join(dataDir, 'task-registry.sqlite'));
  const { rows } = db
    .prepare('SELECT count(*) AS rows FROM outbox WHERE msg_id LIKE ?')
    .get(`%${spec}/%`) as { rows: number };
  db.close();
  return rows;
}
