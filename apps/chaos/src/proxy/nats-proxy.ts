import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { finished } from 'node:stream/promises';
import { formatKey } from '@necrocode/contracts';
import type { Gate, Verdict } from '../gate.js';
import type { Ledger } from '../ledger.js';
import { NatsFrameReader, type NatsFrame } from './nats-frames.js';
import { readTaskKey } from './task-key.js';

export interface NatsProxyOptions {
  readonly runner: number;
  /** Port of the server on loopback. */
  readonly upstreamPort: number;
  /** For runners that ask nobody: whoever is sent a task has it. */
  readonly deliveryIsClaim?: boolean;
  readonly gate: Gate;
  readonly ledger: Ledger;
}

export interface Proxy {
  readonly port: number;
  close(): Promise<void>;
}

/** What a test or a setup prints, so that it is known to run. */
export const commandMarks = { setup: 'chaos: setup runs', tests: 'chaos: tests run' } as const;

/** Stands between one runner and NATS: sees deliveries, acknowledgements, results and live output. */
export async function startNatsProxy(options: NatsProxyOptions): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(options.upstreamPort, '127.0.0.1');
    const watch = new ConnectionWatch(options);
    const end = () => [client, upstream].forEach((socket) => socket.destroy());
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket
        .setNoDelay(true)
        .on('error', end)
        .on('close', () => sockets.delete(socket));
    }
    void pump(client, upstream, (frame) => watch.toServer(frame)).then(end, end);
    void pump(upstream, client, (frame) => watch.toRunner(frame)).then(end, end);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      const closing = [...sockets].map((socket) => {
        socket.destroy();
        return finished(socket).catch(() => undefined);
      });
      await Promise.all(closing);
    },
  };
}

/** Moves frames in their order; one that is held holds those behind it, as a slow network does. */
async function pump(from: Socket, to: Socket, decide: (frame: NatsFrame) => Promise<Verdict>): Promise<void> {
  const reader = new NatsFrameReader();
  for await (const chunk of from) {
    for (const frame of reader.read(chunk as Buffer)) {
      if ((await decide(frame)) === 'drop') return;
      if (to.destroyed) return;
      to.write(frame.bytes);
    }
  }
}

/** What one connection is about: which message is which task, which reply answers what. */
class ConnectionWatch {
  /** Keys of tasks by the position of their message in the stream. */
  private readonly delivered = new Map<string, string>();
  /** Reply subjects that will confirm something. */
  private readonly confirmations = new Map<
    string,
    { readonly point: 'ack' | 'result'; readonly key: string }
  >();

  constructor(private readonly options: NatsProxyOptions) {}

  async toServer({ verb, words, payload }: NatsFrame): Promise<Verdict> {
    if (verb !== 'PUB' && verb !== 'HPUB') return 'forward';
    const [subject = ''] = words;
    // PUB <subject> [reply] <bytes>; HPUB <subject> [reply] <header bytes> <bytes>
    const reply = words.length > (verb === 'PUB' ? 2 : 3) ? words[1] : undefined;
    if (subject.startsWith('$JS.ACK.')) return this.acknowledgement(subject, reply, payload.toString());
    if (subject.startsWith('necrocode.results.')) return this.result(subject, reply);
    if (subject.startsWith('necrocode.logs.')) return this.output(subject, payload.toString());
    return 'forward';
  }

  async toRunner({ verb, words, payload }: NatsFrame): Promise<Verdict> {
    if (verb !== 'MSG' && verb !== 'HMSG') return 'forward';
    const [subject = ''] = words;
    const confirmed = this.confirmations.get(subject);
    if (confirmed) {
      this.confirmations.delete(subject);
      return this.pass(confirmed.point, 'after', confirmed.key);
    }
    const ackSubject = words.find((word) => word.startsWith('$JS.ACK.'));
    const key = ackSubject === undefined ? undefined : readTaskKey(payload);
    if (ackSubject === undefined || key === undefined) return 'forward';
    this.delivered.set(streamPosition(ackSubject), key);
    const verdict = await this.pass('deliver', 'before', key);
    if (verdict === 'drop') return verdict;
    if (this.options.deliveryIsClaim) {
      this.options.ledger.find(key)?.holders.push(this.options.runner);
      this.options.ledger.changed(key);
    }
    // The bytes are on their way as soon as this returns.
    setImmediate(() => void this.afterDelivery(key));
    return 'forward';
  }

  private async afterDelivery(key: string): Promise<void> {
    await this.pass('deliver', 'after', key);
  }

  private async acknowledgement(subject: string, reply: string | undefined, body: string): Promise<Verdict> {
    const key = this.delivered.get(streamPosition(subject));
    if (key === undefined || !(body === '' || body.startsWith('+ACK'))) return 'forward';
    const verdict = await this.pass('ack', 'before', key);
    if (verdict === 'drop') return verdict;
    if (reply !== undefined) this.confirmations.set(reply, { point: 'ack', key });
    // Nobody will say when it is done: it is as good as done once it is sent.
    else setImmediate(() => void this.afterAcknowledgement(key));
    return verdict;
  }

  private async result(subject: string, reply: string | undefined): Promise<Verdict> {
    const [, , spec, ...id] = subject.split('.');
    const key = formatKey({ specName: spec ?? '', taskId: id.join('.') });
    if (reply !== undefined) this.confirmations.set(reply, { point: 'result', key });
    return this.pass('result', 'before', key);
  }

  private async output(subject: string, text: string): Promise<Verdict> {
    const [, , spec, ...id] = subject.split('.');
    const key = formatKey({ specName: spec ?? '', taskId: id.join('.') });
    for (const point of ['setup', 'tests'] as const) {
      // What a command prints, not the log line that quotes the command.
      if (!text.startsWith('{"output":') || !text.includes(commandMarks[point])) continue;
      if (point === 'tests') this.options.ledger.find(key)?.keepAnswers();
      return this.pass(point, 'during', key);
    }
    return 'forward';
  }

  private async afterAcknowledgement(key: string): Promise<void> {
    await this.pass('ack', 'after', key);
  }

  private pass(
    point: 'deliver' | 'ack' | 'result' | 'setup' | 'tests',
    phase: 'before' | 'during' | 'after',
    key: string,
  ) {
    return this.options.gate.pass({ point, phase, key, runner: this.options.runner });
  }
}

/** `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.…`; newer servers put two words after `ACK`. */
function streamPosition(ackSubject: string): string {
  const tokens = ackSubject.split('.');
  return tokens[tokens.length >= 11 ? 7 : 5] ?? '';
}
