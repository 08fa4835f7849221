/**
 * The thread that gives signs of life while the main thread is busy. It loads as little as possible, and
 * imports types alone from its neighbours, so that Node can run this file as it stands.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Client, credentials, Metadata, type ChannelCredentials } from '@grpc/grpc-js';
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import type { NatsOfThread, Order, Sign, SignAnswer } from './sign.js';

type Call = Extract<Sign, { kind: 'call' }>;
type Give = Extract<Order, { kind: 'give' }>;

/** Before a call that failed is made again, where its own interval is longer. */
const retryMs = 1_000;

const untils = new Map<number, number>();
const given = new Map<number, { readonly life: number; timer: NodeJS.Timeout | undefined }>();
const clients = new Map<string, Client>();
let nats: NatsConnection | undefined;

parentPort?.on('message', obey);
const access = (workerData as { nats: NatsOfThread | undefined }).nats;
if (access) nats = await connect({ ...access.options, ...authenticatorOf(access) });

function authenticatorOf({ creds }: NatsOfThread) {
  return creds === undefined ? {} : { authenticator: credsAuthenticator(new TextEncoder().encode(creds)) };
}

function obey(order: Order): void {
  switch (order.kind) {
    case 'give':
      return start(order);
    case 'stop':
      return stop(order.sign);
    case 'until':
      untils.set(order.life, order.until);
      return;
    case 'end':
      untils.delete(order.life);
      for (const [sign, { life }] of given) if (life === order.life) stop(sign);
  }
}

function start({ sign, life, what, everyMs }: Give): void {
  const giver: { life: number; timer: NodeJS.Timeout | undefined } = { life, timer: undefined };
  const again = (ms: number) => {
    if (given.get(sign) === giver) giver.timer = setTimeout(() => void give(), ms);
  };
  const give = async () => {
    const due = now() <= (untils.get(life) ?? 0);
    const heard = !due || (what.kind === 'working' ? work(what.subject) : await callOnce(sign, what));
    again(heard ? everyMs : Math.min(everyMs, retryMs));
  };
  given.set(sign, giver);
  // The answer to a call may hold news, so the first one is made at once.
  again(what.kind === 'call' ? 0 : everyMs);
}

function stop(sign: number): void {
  clearTimeout(given.get(sign)?.timer);
  given.delete(sign);
}

/** A connection that is lost keeps what is published and sends it when it is back. */
function work(subject: string): boolean {
  nats?.publish(subject, '+WPI');
  return true;
}

/** False when nobody answered. */
function callOnce(sign: number, { address, tls, path, request, deadlineMs }: Call): Promise<boolean> {
  const at = now();
  const bytes = (value: Buffer) => value;
  return new Promise((resolve) => {
    const end = (answer: SignAnswer) => {
      // A sign that was stopped meanwhile is of no interest any more.
      if (given.has(sign)) parentPort?.postMessage({ sign, answer });
      resolve(answer.kind === 'response');
    };
    const options = { deadline: Date.now() + deadlineMs };
    const message = Buffer.from(request);
    clientOf(address, tls).makeUnaryRequest(
      path,
      bytes,
      bytes,
      message,
      new Metadata(),
      options,
      (error, response) =>
        end(
          error || !response
            ? { kind: 'status', at, code: error?.code ?? 2 }
            : { kind: 'response', at, response: new Uint8Array(response) },
        ),
    );
  });
}

/** An address is spoken to in one way, with TLS or without. */
function clientOf(address: string, tls: Call['tls']): Client {
  const known = clients.get(address);
  if (known) return known;
  const client = new Client(address, credentialsOf(tls), {
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
  });
  clients.set(address, client);
  return client;
}

function credentialsOf(tls: Call['tls']): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  const bytes = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  return credentials.createSsl(Buffer.from(tls.ca), bytes(tls.key), bytes(tls.cert));
}

/** The same clock in every thread of the process; it goes on while the process is stopped. */
function now(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
