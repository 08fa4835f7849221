import { parseTask, subjects, type Priority, type Task } from '@necrocode/contracts';
import { createLogger } from '@necrocode/telemetry';
import { startNats, eventually, type NatsServer } from '@necrocode/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectNats } from './connect.js';
import { LifeSigns } from './life-signs/life-signs.js';
import { publishTask } from './publish.js';
import type { Settlement } from './settlement.js';
import { ensureStreams } from './streams.js';
import type { TaskMessageContext } from './task-message.js';
import { taskPattern, TaskTransport } from './task-transport.js';

const logger = createLogger({ name: 'spec', level: 'silent' });
const task = (id: string): Task => {
  const parsed = parseTask(
    JSON.stringify({ task_id: id, spec_name: 's', title: 't', description: 'd', repo_url: 'file:///r' }),
  );
  if (parsed.kind !== 'task') throw new Error('the fixture is no task');
  return parsed.task;
};
const idOf = (data: unknown) => (JSON.parse(new TextDecoder().decode(data as Uint8Array)) as Task).task_id;

let nats: NatsServer;
let connection: NatsConnection;
let lifeSigns: LifeSigns;
let transports: TaskTransport[];

beforeEach(async () => {
  nats = await startNats();
  connection = await connectNats({ url: nats.url, name: 'spec' });
  await ensureStreams(connection);
  lifeSigns = new LifeSigns({ nats: { url: nats.url, name: 'spec' }, logger });
  transports = [];
});

afterEach(async () => {
  await Promise.all(transports.map((transport) => transport.close()));
  await lifeSigns.close();
  await connection.close();
  await nats.stop();
});

type Handler = (data: unknown, context: TaskMessageContext) => Settlement | Promise<Settlement>;

function listen(handler: Handler, maxParallel = 1, settleWithinMs?: number): TaskTransport {
  const transport = new TaskTransport({
    connection,
    lifeSigns,
    queues: ['default'],
    maxParallel,
    ackWaitMs: 1_500,
    heartbeatMs: 300,
    ...(settleWithinMs !== undefined && { settleWithinMs }),
    logger,
  });
  transports.push(transport);
  transport.addHandler(taskPattern, handler as never, true);
  transport.listen(() => undefined);
  return transport;
}

async function waiting(): Promise<number> {
  const manager = await jetstreamManager(connection);
  return (await manager.streams.info('NECROCODE_TASKS')).state.messages;
}

describe('TaskTransport', () => {
  it('[AR-1.1] takes high before normal before low', async () => {
    for (const priority of ['low', 'normal', 'high'] as Priority[]) {
      await publishTask(connection, task(priority), { queue: 'default', priority });
    }
    const seen: string[] = [];
    listen((data) => {
      seen.push(idOf(data));
      return { kind: 'ack' };
    });
    await eventually('all three are settled', async () => ((await waiting()) === 0 ? true : undefined));
    expect(seen).toEqual(['high', 'normal', 'low']);
  });

  it('[AR-14.5] never takes more than it has room for, and leaves the rest for others', async () => {
    for (const id of ['1', '2', '3', '4']) {
      await publishTask(connection, task(id), { queue: 'default', priority: 'normal' });
    }
    const finish: (() => void)[] = [];
    const transport = listen(async () => {
      await new Promise<void>((resolve) => finish.push(resolve));
      return { kind: 'ack' };
    }, 2);
    await eventually('two are taken', () => (transport.busy === 2 ? true : undefined));
    const other: string[] = [];
    listen((data) => {
      other.push(idOf(data));
      return { kind: 'ack' };
    });
    await eventually('the other runner took the rest', () => (other.length === 2 ? true : undefined));
    expect(transport.busy).toBe(2);
    finish.forEach((done) => done());
    await eventually('nothing is left', async () => ((await waiting()) === 0 ? true : undefined));
  });

  it('[AR-8.2] delivers again what was given back, and not what heartbeats keep alive', async () => {
    await publishTask(connection, task('1'), { queue: 'default', priority: 'normal' });
    const deliveries: number[] = [];
    listen(async (_data, context) => {
      deliveries.push(context.delivery.deliveries);
      if (deliveries.length === 1) return { kind: 'nak', delayMs: 50 };
      // Longer than ack_wait: only the heartbeats prevent a third delivery.
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      return { kind: 'ack' };
    }, 2);
    await eventually('it is acknowledged', async () => ((await waiting()) === 0 ? true : undefined));
    expect(deliveries).toEqual([1, 2]);
  });

  it('[AR-1.2] ends a terminated message for good', async () => {
    connection.publish(subjects.task({ queue: 'default', priority: 'normal' }), 'no json');
    let calls = 0;
    listen(() => {
      calls += 1;
      return { kind: 'term', reason: 'not JSON' };
    });
    await eventually('it was handled', () => (calls > 0 ? true : undefined));
    await eventually('it left the stream', async () => ((await waiting()) === 0 ? true : undefined));
    expect(calls).toBe(1);
  });

  it('[AR-8.1] goes on after the handler broke', async () => {
    await publishTask(connection, task('1'), { queue: 'default', priority: 'normal' });
    let calls = 0;
    listen(() => {
      calls += 1;
      if (calls === 1) throw new Error('broken');
      return { kind: 'ack' };
    });
    await eventually('the second delivery is acknowledged', async () =>
      (await waiting()) === 0 ? true : undefined,
    );
    expect(calls).toBe(2);
  });

  it.each([
    ['acknowledges when NATS is back', undefined],
    ['gives up an acknowledgement that nobody confirms, and takes the message again', 300],
  ])(
    '[AR-8.2] %s',
    async (_title, settleWithinMs) => {
      await publishTask(connection, task('1'), { queue: 'default', priority: 'normal' });
      const { port, storeDir } = nats;
      let calls = 0;
      const transport = listen(
        async () => {
          calls += 1;
          // From the second delivery on, the claim says that it is handled already.
          if (calls === 1) await nats.stop();
          return { kind: 'ack' };
        },
        1,
        settleWithinMs,
      );
      await eventually('it was handled', () => (calls > 0 ? true : undefined));
      if (settleWithinMs !== undefined)
        await eventually('it gives up', () => (transport.busy === 0 ? true : undefined));
      nats = await startNats({ port, storeDir });
      await eventually(
        'it left the stream',
        async () => ((await waiting()) === 0 ? true : undefined),
        30_000,
      );
      await publishTask(connection, task('2'), { queue: 'default', priority: 'normal' });
      await eventually('the next one, too', async () => ((await waiting()) === 0 ? true : undefined));
      await eventually('there is room again', () => (transport.busy === 0 ? true : undefined));
    },
    60_000,
  );
});
