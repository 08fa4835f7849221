import { RunnerError } from '@necrocode/contracts';
import type { NatsConnection } from '@necrocode/messaging';
import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
} from '@nats-io/jetstream';
import {
  AuthorizationError,
  connect,
  NoRespondersError,
  RequestError,
  TimeoutError,
} from '@nats-io/transport-node';
import type { Endpoint } from '../endpoints.js';
import { Unreachable } from './unreachable.js';

const patienceMs = 3_000;

/**
 * Runs `work` on a connection that is closed afterwards. Services wait for their server for ever; a user
 * at a terminal is told that it is not there.
 *
 * @throws RunnerError that says in one line what is wrong with NATS
 */
export async function withNats<T>(
  endpoint: Endpoint,
  work: (connection: NatsConnection) => Promise<T>,
): Promise<T> {
  const connection = await openNats(endpoint);
  try {
    return await work(connection);
  } catch (error) {
    throw translateNats(error, endpoint);
  } finally {
    await connection.close();
  }
}

/** @throws RunnerError when there is no server */
export async function openNats(endpoint: Endpoint): Promise<NatsConnection> {
  try {
    return await connect({
      servers: endpoint.address.split(',').map((server) => server.trim()),
      name: 'necro',
      timeout: patienceMs,
      maxReconnectAttempts: 10,
    });
  } catch (error) {
    throw translateNats(error, endpoint);
  }
}

/** Streams and consumers, with answers in time for a terminal. */
export function manageStreams(connection: NatsConnection): Promise<JetStreamManager> {
  return jetstreamManager(connection, { checkAPI: false, timeout: patienceMs });
}

/** True when no stream listens on a subject, or JetStream is off. */
export function isNobodyListening(error: unknown): boolean {
  return chain(error).some((link) => link instanceof NoRespondersError);
}

/** True when a stream, consumer or message that was asked for does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && notFoundCodes.has(error.code);
}

const notFoundCodes: ReadonlySet<number> = new Set([
  JetStreamApiCodes.StreamNotFound,
  JetStreamApiCodes.ConsumerNotFound,
  JetStreamApiCodes.NoMessageFound,
]);

function isWithoutJetStream(error: Error): boolean {
  if (error.name === 'JetStreamNotEnabled') return true;
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.JetStreamNotEnabledForAccount;
}

function translateNats(error: unknown, endpoint: Endpoint): unknown {
  const reason = reasonOf(error);
  if (reason === undefined) return error;
  return new Unreachable({ name: 'NATS', endpoint, variable: 'NATS_URL', code: 'internal' }, reason, error);
}

function reasonOf(error: unknown): string | undefined {
  if (error instanceof RunnerError) return undefined;
  const links = chain(error);
  const text = links.map(({ message }) => message).join(' ');
  if (links.some((link) => link instanceof AuthorizationError))
    return 'the server wants a user and password in the URL';
  if (links.some(isWithoutJetStream)) return 'JetStream is off (nats-server -js turns it on)';
  if (links.some((link) => link instanceof NoRespondersError))
    return 'JetStream is off, or lacks the streams';
  if (links.some((link) => link instanceof TimeoutError)) return 'no answer in time';
  if (links.some((link) => link instanceof JetStreamApiError)) return text;
  if (/ECONNREFUSED|connection refused/i.test(text)) return 'connection refused';
  if (/ENOTFOUND|EAI_AGAIN|getaddrinfo/i.test(text)) return 'the host name is not known';
  if (error instanceof RequestError || /ConnectionError|ClosedConnectionError/.test((error as Error)?.name)) {
    return 'the connection broke';
  }
  return undefined;
}

/** An error and its causes. */
function chain(error: unknown): Error[] {
  return error instanceof Error ? [error, ...chain(error.cause)] : [];
}
