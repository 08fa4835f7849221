import { parseTask, type Task } from '@necrocode/contracts';
import { createLogger } from '@necrocode/telemetry';
import { eventually, startNats, type NatsServer } from '@necrocode/testkit';
import { Server, ServerCredentials, status, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectNats } from '../connect.js';
import { publishTask } from '../publish.js';
import type { Settlement } from '../settlement.js';
import { ensureStreams } from '../streams.js';
import type { TaskMessageContext } from '../task-message.js';
import { taskPattern, TaskTransport } from '../task-transport.js';
import { LifeSigns } from './life-signs.js';
import type { Sign, SignAnswer } from './sign.js';

const logger = createLogger({ name: 'spec', level: 'silent' });
const place = { queue: 'default', priority: 'normal' } as const;
const ackWaitMs = 2_000;
const heartbeatMs = 400;
/** Long enough for a message that nobody keeps alive to be due again. */
const longMs = 2 * ackWaitMs;

describe('signs of life of a message', () => {
  let nats: NatsServer;
  let connection: NatsConnection;
  let signs: LifeSigns;
  let transports: TaskTransport[];

  beforeEach(async () => {
    nats = await startNats();
    connection = await connectNats({ url: nats.url, name: 'spec' });
    await ensureStreams(connection);
    signs = new LifeSigns({ nats: { url: nats.url, name: 'spec' }, logger });
    transports = [];
  });

  afterEach(async () => {
    await Promise.all(transports.map((transport) => transport.close()));
    await signs.close();
    await connection.close();
    await nats.stop();
  });

  type Handler = (id: string, context: TaskMessageContext) => Settlement | Promise<Settlement>;

  function listen(handler: Handler): void {
    const options = { connection, lifeSigns: signs, queues: ['default'], ackWaitMs, heartbeatMs, logger };
    const transport = new TaskTransport({ ...options, maxParallel: 1 });
    transports.push(transport);
    const handle = (data: unknown, context: TaskMessageContext) => handler(idOf(data), context);
    transport.addHandler(taskPattern, handle as never, true);
    transport.listen(() => undefined);
  }

  /** Has one runner take message 1 and do `work` with it while another one takes whatever is delivered. */
  async function takenByTheOther(
    work: (context: TaskMessageContext) => void | Promise<void>,
  ): Promise<string[]> {
    const other: string[] = [];
    let otherListens = false;
    let finish: (() => void) | undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    await publishTask(connection, task('1'), place);
    listen(async (id, context) => {
      if (otherListens) return { kind: 'ack' };
      await work(context);
      await publishTask(connection, task('2'), place);
      otherListens = true;
      listen((taken) => {
        other.push(taken);
        return { kind: 'ack' };
      });
      await finished;
      return { kind: 'ack' };
    });
    // What is due again is delivered before what is new.
    await eventually('the other took message 2', () => (other.includes('2') ? true : undefined));
    finish?.();
    return other;
  }

  it('[AR-8.2] are given while the main thread is busy for longer than ack_wait', async () => {
    expect(await takenByTheOther(() => block(longMs))).toEqual(['2']);
  });

  it('[AR-8.2] end with the deadline, so that a main thread that hangs loses the message', async () => {
    const taken = await takenByTheOther((context) => {
      context.life.until(heartbeatMs);
      block(longMs);
    });
    expect(taken).toEqual(['1', '2']);
  });

  it('[AR-8.2] go on when their thread died', async () => {
    const taken = await takenByTheOther(async () => {
      await signs['thread'].terminate();
      // Longer than the thread needs to be back, which it must be before ack_wait has passed.
      await new Promise((resolve) => setTimeout(resolve, longMs));
    });
    expect(taken).toEqual(['2']);
  });
});

describe('signs of life of a lease', () => {
  let server: Server;
  let signs: LifeSigns;
  let calls: string[];
  let answers: (number | string)[];
  let sign: Sign;

  beforeEach(async () => {
    calls = [];
    answers = [];
    server = new Server();
    const bytes = (value: Buffer) => value;
    const method = { path: '/spec.Leases/Renew', requestStream: false, responseStream: false } as const;
    const coding = { requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes };
    server.addService(
      { renew: { ...method, ...coding, responseDeserialize: bytes } },
      {
        renew: ({ request }: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
          calls.push(request.toString());
          const answer = answers.shift() ?? 'kept';
          if (typeof answer === 'string') reply(null, Buffer.from(answer));
          else reply({ code: answer, details: 'injected' });
        },
      },
    );
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    const request = new TextEncoder().encode('lease 7');
    const address = `127.0.0.1:${port}`;
    sign = { kind: 'call', address, path: method.path, request, deadlineMs: 2_000 };
    signs = new LifeSigns({ logger });
  });

  afterEach(async () => {
    await signs.close();
    server.forceShutdown();
  });

  it('[AR-15.4] are calls, the first at once, and their answers are told', async () => {
    answers = [status.UNAVAILABLE, 'kept', status.FAILED_PRECONDITION];
    const heard: unknown[] = [];
    const life = signs.open(60_000);
    life.give(sign, 50, (answer) => heard.push(short(answer)));
    await eventually('four answers', () => (heard.length >= 4 ? true : undefined));
    life.close();
    expect(heard.slice(0, 4)).toEqual([status.UNAVAILABLE, 'kept', status.FAILED_PRECONDITION, 'kept']);
    expect(new Set(calls)).toEqual(new Set(['lease 7']));
  });

  it('[AR-15.4] end with their deadline, and go on when it is set anew', async () => {
    const life = signs.open(-1);
    const another = signs.open(60_000);
    let late = 0;
    let steady = 0;
    life.give(sign, 20, () => (late += 1));
    another.give(sign, 20, () => (steady += 1));
    await eventually('the other life shows signs', () => (steady > 5 ? true : undefined));
    expect(late).toBe(0);
    life.until(60_000);
    await eventually('this one as well', () => (late > 0 ? true : undefined));
    life.close();
    another.close();
  });

  it('[AR-15.4] end when they are stopped', async () => {
    const life = signs.open(60_000);
    let stopped = 0;
    let going = 0;
    const stop = life.give(sign, 20, () => (stopped += 1));
    await eventually('it is given', () => (stopped > 0 ? true : undefined));
    stop();
    const before = stopped;
    life.give(sign, 20, () => (going += 1));
    await eventually('another is given', () => (going > 5 ? true : undefined));
    expect(stopped).toBe(before);
    life.close();
  });
});

function task(id: string): Task {
  const text = JSON.stringify({
    task_id: id,
    spec_name: 's',
    title: 't',
    description: 'd',
    repo_url: 'file:///r',
  });
  const parsed = parseTask(text);
  if (parsed.kind !== 'task') throw new Error('the fixture is no task');
  return parsed.task;
}

function idOf(data: unknown): string {
  return (JSON.parse(new TextDecoder().decode(data as Uint8Array)) as Task).task_id;
}

/** Stops the thread's event loop, as a long computation does. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function short(answer: SignAnswer): unknown {
  return answer.kind === 'response' ? new TextDecoder().decode(answer.response) : answer.code;
}
