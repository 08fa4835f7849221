import {
  Client,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ServerDuplexStream,
  type ServiceDefinition,
  type StatusObject,
} from '@grpc/grpc-js';
import { createClient, maxMessageBytes } from '@necrocode/rpc';
import { service as healthService } from 'grpc-health-check';
import type { Gate } from '../gate.js';
import type { Ledger } from '../ledger.js';
import { givenBack, isGranted, leaseOf, seeCall, type LeaseKeys, type SeenCall } from './grpc-calls.js';
import type { Proxy } from './nats-proxy.js';

export interface GrpcProxyOptions {
  readonly runner: number;
  readonly service: ServiceDefinition;
  /** `host:port` of the service. */
  readonly upstream: string;
  readonly gate: Gate;
  readonly ledger: Ledger;
  readonly leases: LeaseKeys;
}

/**
 * Stands between one runner and one service, and hands bytes on as they are. On the wire every kind of
 * call is a stream of messages each way, so one handler serves all methods.
 */
export async function startGrpcProxy(options: GrpcProxyOptions): Promise<Proxy> {
  const upstream = createClient(Client, options.upstream);
  const server = new Server({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
  });
  for (const definition of [options.service, healthService as ServiceDefinition]) {
    const methods = Object.entries(definition).map(([name, { path }]) => [name, rawMethod(path)] as const);
    const handlers = Object.entries(definition).map(
      ([name, { path }]) => [name, (call: RawCall) => void relay(path, call, upstream, options)] as const,
    );
    server.addService(Object.fromEntries(methods), Object.fromEntries(handlers));
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    close() {
      server.forceShutdown();
      upstream.close();
      return Promise.resolve();
    },
  };
}

type RawCall = ServerDuplexStream<Buffer, Buffer>;

const same = (bytes: Buffer) => bytes;

function rawMethod(path: string) {
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  } as const;
}

interface Answer {
  readonly responses: readonly Buffer[];
  readonly status: StatusObject;
}

const broken = { code: status.UNAVAILABLE, details: 'the connection broke', metadata: new Metadata() };

async function relay(
  path: string,
  call: RawCall,
  upstream: Client,
  options: GrpcProxyOptions,
): Promise<void> {
  const { gate, ledger, runner, leases } = options;
  const requests = await readAll(call);
  // The runner has gone before it had said everything.
  if (!requests) return;
  const abandoned = givenBack(path, requests);
  if (abandoned !== undefined) ledger.find(abandoned)?.giveBack(runner);
  const seen = seeCall(path, requests, leases);
  if (seen && (await gate.pass({ ...seen, phase: 'before', runner })) === 'drop')
    return reply(call, [], broken);
  const answer = await ask(path, requests, call, upstream);
  if (!seen) return reply(call, answer.responses, answer.status);
  const done = answer.status.code === status.OK;
  if (done) note(seen, answer.responses, options);
  // What the service refused or never did is no fault point: it is not done.
  const verdict = done ? await gate.pass({ ...seen, phase: 'after', runner }) : 'forward';
  if (verdict === 'drop') reply(call, [], broken);
  else reply(call, answer.responses, answer.status);
}

async function readAll(call: RawCall): Promise<Buffer[] | undefined> {
  const messages: Buffer[] = [];
  try {
    for await (const message of call) messages.push(message as Buffer);
  } catch {
    return undefined;
  }
  return call.cancelled ? undefined : messages;
}

function ask(path: string, requests: readonly Buffer[], call: RawCall, upstream: Client): Promise<Answer> {
  return new Promise((resolve) => {
    const responses: Buffer[] = [];
    const stream = upstream.makeBidiStreamRequest<Buffer, Buffer>(path, same, same, call.metadata, {
      deadline: call.getDeadline(),
    });
    stream.on('data', (message: Buffer) => responses.push(message));
    // The status tells it as well.
    stream.on('error', () => undefined);
    stream.on('status', (end: StatusObject) => resolve({ responses, status: end }));
    for (const request of requests) stream.write(request);
    stream.end();
  });
}

function reply(call: RawCall, responses: readonly Buffer[], end: StatusObject): void {
  if (call.cancelled || call.destroyed) return;
  if (end.code !== status.OK) {
    call.emit('error', end);
    return;
  }
  for (const response of responses) call.write(response);
  call.end(end.metadata);
}

/** Keeps in mind what the service has done, whether or not the runner will hear of it. */
function note(
  { point, key }: SeenCall,
  responses: readonly Buffer[],
  { runner, ledger, leases }: GrpcProxyOptions,
): void {
  const task = ledger.find(key);
  if (!task) return;
  switch (point) {
    case 'claim':
      if (isGranted(responses)) task.holders.push(runner);
      break;
    case 'allocate': {
      const lease = leaseOf(responses);
      if (lease) leases.set(lease, key);
      break;
    }
    case 'upload_answer':
    case 'checkpoint_answer':
      task.keepAnswers();
      break;
    case 'decide':
      task.decided = true;
      break;
    case 'report':
      task.ended = true;
      break;
    default:
      return;
  }
  ledger.changed(key);
}
