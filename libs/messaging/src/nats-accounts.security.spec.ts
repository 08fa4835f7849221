import { jest } from '@jest/globals';
import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { consumerName, parseTask, streams, subjects, type Task } from '@necrocode/contracts';
import { createLogger } from '@necrocode/telemetry';
import { eventually, startNats, type NatsServer } from '@necrocode/testkit';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connectNats, inboxPrefixOf, type NatsConnection } from './connect.js';
import { LifeSigns } from './life-signs/life-signs.js';
import { publishDeadLetter, publishTask } from './publish.js';
import { pullWaiting } from './pull.js';
import { ensureControlStream } from './control-stream.js';
import { ensureStreams, ensureTaskConsumer } from './streams.js';
import { taskPattern, TaskTransport } from './task-transport.js';

const roles = ['publisher', 'observer', 'operator', 'runner', 'registry'] as const;
type Role = (typeof roles)[number];

const passwordOf = (role: Role) => `spec-${role}-password`;
const passwords = Object.fromEntries(
  roles.map((role) => [`NATS_${role.toUpperCase()}_PASSWORD`, passwordOf(role)]),
);
const config = resolve(import.meta.dirname, '../../../deploy/nats/nats-server.conf');
// A busy machine takes its time to start servers and threads.
jest.setTimeout(60_000);

const logger = createLogger({ name: 'spec', level: 'silent' });
const place = { queue: 'default', priority: 'normal' } as const;
const key = { specName: 's', taskId: '1' };

describe('the users of deploy/nats/nats-server.conf', () => {
  let nats: NatsServer;
  const as = {} as Record<Role, NatsConnection>;
  const violations = {} as Record<Role, string[]>;

  beforeAll(async () => {
    nats = await startNats({ config, environment: passwords });
    for (const role of roles) {
      as[role] = await connectNats({ url: nats.url, name: role, user: role, password: passwordOf(role) });
      violations[role] = [];
      void noteViolations(as[role], violations[role]);
    }
    await ensureStreams(as.registry);
  });

  afterAll(async () => {
    await Promise.all(Object.values(as).map((connection) => connection.close()));
    await nats.stop();
  });

  /** What the server says to it; undefined when it lets it pass. */
  async function refusal(
    role: Role,
    attempt: (connection: NatsConnection) => unknown,
  ): Promise<string | undefined> {
    violations[role].length = 0;
    await attempt(as[role]);
    // What the server has to say about the attempt comes before its answer to this.
    await as[role].flush();
    await setImmediate();
    return violations[role][0];
  }

  const publishing = (subject: string) => (connection: NatsConnection) => connection.publish(subject, '{}');
  const subscribing = (subject: string) => async (connection: NatsConnection) => {
    const subscription = connection.subscribe(subject, { callback: () => undefined });
    await connection.flush();
    subscription.unsubscribe();
  };
  const asking = (subject: string, request: unknown = {}) =>
    requesting(`$JS.API.${subject}`, JSON.stringify(request));
  const requesting = (subject: string, body: string) => (connection: NatsConnection) =>
    connection.publish(subject, body, { reply: `${inboxPrefixOf(connection) ?? '_INBOX'}.spec` });

  const T = streams.tasks.name;
  const writes = {
    'publish a task': publishing(subjects.task(place)),
    'publish a result': publishing(subjects.result(key)),
    'publish an event': publishing(subjects.event('TaskCompleted', key)),
    'bury a message': publishing(subjects.dead('default')),
    'send a log line': publishing(subjects.logs(key)),
    'cancel a task': publishing(subjects.cancel(key)),
    'pull tasks': asking(`CONSUMER.MSG.NEXT.${T}.${consumerName(place)}`, { batch: 1, no_wait: true }),
    'settle a task': publishing(`$JS.ACK.${T}.${consumerName(place)}.1.999.999.1.0`),
    'create a consumer of tasks': asking(
      `CONSUMER.CREATE.${T}.${consumerName(place)}.${subjects.task(place)}`,
    ),
    'delete a consumer of tasks': asking(`CONSUMER.DELETE.${T}.${consumerName(place)}`),
    'read results by a consumer': asking(`CONSUMER.CREATE.${streams.results.name}.x.necrocode.results.>`),
    'create a stream': asking(`STREAM.CREATE.${T}`),
    'change a stream': asking(`STREAM.UPDATE.${T}`),
    'delete a stream': asking(`STREAM.DELETE.${streams.results.name}`),
    'purge a stream': asking(`STREAM.PURGE.${streams.results.name}`, { seq: 1 }),
    'delete a result': asking(`STREAM.MSG.DELETE.${streams.results.name}`, { seq: 999 }),
    'delete a dead letter': asking(`STREAM.MSG.DELETE.${streams.dead.name}`, { seq: 999 }),
    'read a stored task': asking(`STREAM.MSG.GET.${T}`, { seq: 1 }),
    'read a stored result': asking(`STREAM.MSG.GET.${streams.results.name}`, { seq: 1 }),
    'read a stored cancellation': asking(`STREAM.MSG.GET.${streams.control.name}`, { seq: 1 }),
    'read a dead letter': asking(`STREAM.MSG.GET.${streams.dead.name}`, { seq: 1 }),
    'make a stream of its own': asking('STREAM.CREATE.MINE', { name: 'MINE', subjects: ['mine'] }),
    'publish anything else': publishing('elsewhere'),
    'hear tasks': subscribing('necrocode.tasks.*.*'),
    'hear results': subscribing('necrocode.results.>'),
    'hear events': subscribing('necrocode.events.>'),
    'hear logs': subscribing('necrocode.logs.>'),
    'hear cancellations': subscribing('necrocode.control.cancel.>'),
    "hear everybody's replies": subscribing('_INBOX.>'),
    'hear everything': subscribing('>'),
  } as const;
  type Deed = keyof typeof writes;

  const rights: Record<Role, readonly Deed[]> = {
    publisher: ['publish a task', 'cancel a task'],
    observer: ['read a stored result', 'read a dead letter', 'hear results', 'hear events', 'hear logs'],
    operator: [
      'publish a task',
      'cancel a task',
      'delete a dead letter',
      'read a stored result',
      'read a dead letter',
      'hear results',
      'hear events',
      'hear logs',
    ],
    runner: [
      'bury a message',
      'send a log line',
      'pull tasks',
      'settle a task',
      'create a consumer of tasks',
      'hear tasks',
      'hear cancellations',
    ],
    registry: [
      'publish a task',
      'publish a result',
      'publish an event',
      'bury a message',
      'cancel a task',
      'create a stream',
      'change a stream',
      'read a stored task',
      'read a stored result',
      'read a stored cancellation',
      'hear tasks',
      'hear cancellations',
    ],
  };

  it.each(roles)('[AR-10.2] lets the %s do what it needs and nothing else', async (role) => {
    const allowed: Deed[] = [];
    for (const [deed, attempt] of Object.entries(writes) as [Deed, (typeof writes)[Deed]][]) {
      const refused = await refusal(role, attempt);
      if (refused === undefined) allowed.push(deed);
    }
    expect(allowed.toSorted()).toEqual(rights[role].toSorted());
  });

  it('[AR-10.2] lets the registry take in requests to cancel', async () => {
    await ensureControlStream(as.registry);
    await jetstream(as.operator).publish(subjects.cancel(key), '');
    const manager = await jetstreamManager(as.registry, { checkAPI: false });
    const { state } = await manager.streams.info(streams.control.name);
    const query = { seq: state.first_seq, next_by_subj: subjects.allCancels };
    const message = await manager.streams.getMessage(streams.control.name, query);
    expect(message?.subject).toBe(subjects.cancel(key));
  });

  it.each(roles)('[AR-10.2] keeps replies to the %s from the others', async (role) => {
    for (const other of roles.filter((one) => one !== role)) {
      expect(await refusal(other, subscribing(`_INBOX.${role}.>`))).toContain('Permissions Violation');
    }
  });

  it('[AR-10.2] turns away who comes without a user or with a wrong password', async () => {
    const { url } = nats;
    await expect(connectNats({ url, name: 'nobody' })).rejects.toThrow(
      /^NATS at nats:\/\/127\.0\.0\.1:\d+: it wants a user: NATS_USER and NATS_PASSWORD/,
    );
    const wrong = connectNats({ url, name: 'x', user: 'runner', password: passwordOf('registry') });
    await expect(wrong).rejects.toThrow(/it does not accept NATS_USER with NATS_PASSWORD/);
    const inUrl = url.replace('//', '//runner:hidden-word@');
    await expect(connectNats({ url: inUrl, name: 'x' })).rejects.not.toThrow(/hidden-word/);
  });

  it('[AR-10.2] takes user and password from the URL as well, for the connection and for signs of life', async () => {
    const url = nats.url.replace('//', `//registry:${passwordOf('registry')}@`);
    const connection = await connectNats({ url, name: 'by url' });
    await ensureStreams(connection);
    expect(inboxPrefixOf(connection)).toBe('_INBOX.registry');
    await connection.close();
  });

  it('[AR-1.1] carries a task from the publisher over the runner, whose signs of life are heard, to its end', async () => {
    const ackWaitMs = 4_000;
    const access = { url: nats.url, name: 'runner', user: 'runner', password: passwordOf('runner') };
    const lifeSigns = new LifeSigns({ nats: access, logger });
    const transport = new TaskTransport({
      connection: as.runner,
      lifeSigns,
      queues: ['whole-way'],
      maxParallel: 1,
      ackWaitMs,
      heartbeatMs: 400,
      logger,
    });
    const deliveries: number[] = [];
    let finish: (() => void) | undefined;
    const handler = async (_data: unknown, context: { delivery: { deliveries: number } }) => {
      deliveries.push(context.delivery.deliveries);
      await new Promise<void>((resolve) => (finish = resolve));
      return { kind: 'ack' };
    };
    transport.addHandler(taskPattern, handler as never, true);
    transport.listen(() => undefined);
    const queue = { queue: 'whole-way', priority: 'high' } as const;
    expect(await publishTask(as.publisher, task('whole'), queue)).toEqual({ duplicate: false });
    await eventually('the runner has it', () => finish && true);
    // Another pull after the time in which the server would deliver it again finds nothing.
    const due = Date.now() + 2 * ackWaitMs;
    await eventually('ack_wait has passed twice', () => Date.now() > due || undefined);
    expect(await pullWaiting(as.runner, queue, 1)).toEqual([]);
    finish?.();
    await transport.close();
    await lifeSigns.close();
    expect(deliveries).toEqual([1]);
    const manager = await jetstreamManager(as.operator, { checkAPI: false });
    const { state } = await manager.streams.info(T, { subjects_filter: subjects.task(queue) });
    expect(state.subjects).toBeUndefined();
  });

  it('[AR-7.3] lets the registry publish what a runner cannot, and the observer read it', async () => {
    await jetstream(as.registry).publish(subjects.result(key), '{"status":"done"}', { msgID: 's/1#1' });
    const manager = await jetstreamManager(as.observer, { checkAPI: false });
    const last = { last_by_subj: subjects.result(key) };
    expect((await manager.streams.getMessage(streams.results.name, last))?.json()).toEqual({
      status: 'done',
    });
    await expect(jetstream(as.runner).publish(subjects.result(key), '{}')).rejects.toThrow(
      /Permissions Violation/,
    );
  });

  it('[AR-8.3] lets the runner bury a message, the observer see it and the operator take it out', async () => {
    const letter = {
      queue: 'default',
      subject: subjects.task(place),
      original: new TextEncoder().encode('no task'),
      code: 'invalid_task',
      reason: 'not JSON',
      attempts: 1,
      id: 'dead-1',
    };
    await publishDeadLetter(as.runner, letter);
    const subject = subjects.dead('default');
    const seen = await jetstreamManager(as.observer, { checkAPI: false });
    const stored = await seen.streams.getMessage(streams.dead.name, { last_by_subj: subject });
    expect(stored?.string()).toBe('no task');
    const taking = await jetstreamManager(as.operator, { checkAPI: false });
    expect(await taking.streams.deleteMessage(streams.dead.name, stored?.seq ?? 0, false)).toBe(true);
  });

  it('[AR-1.1] leaves streams to the registry: a runner is content with those that are there', async () => {
    await ensureStreams(as.runner);
    await ensureTaskConsumer(as.runner, { queue: 'other', priority: 'low' }, 30_000);
    const manager = await jetstreamManager(as.runner, { checkAPI: false });
    const foreign = { durable_name: 'results', ack_policy: AckPolicy.Explicit };
    await expect(manager.consumers.add(streams.results.name, foreign)).rejects.toThrow(
      /Permissions Violation/,
    );
  });
});

async function noteViolations(connection: NatsConnection, noted: string[]): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type === 'error') noted.push(status.error.message);
  }
}

function task(id: string): Task {
  const document = { task_id: id, spec_name: 's', title: 't', description: 'd', repo_url: 'https://h/r' };
  const parsed = parseTask(JSON.stringify(document));
  if (parsed.kind !== 'task') throw new Error('the fixture is no task');
  return parsed.task;
}
