import { RunnerError } from '@necrocode/contracts';
import {
  natsTrouble,
  openNats as openConnection,
  permissionViolation,
  type NatsConnection,
} from '@necrocode/messaging';
import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { NoRespondersError, RequestError, TimeoutError } from '@nats-io/transport-node';
import { CommandRefused } from '../command-refused.js';
import type { NatsEndpoint } from '../endpoints.js';
import { Unreachable } from './unreachable.js';

const patienceMs = 3_000;

/**
 * Runs `work` on a connection that is closed afterwards. Services wait for their server for ever; a user
 * at a terminal is told that it is not there.
 *
 * @throws RunnerError that says in one line what is wrong with NATS
 */
export async function withNats<T>(
  endpoint: NatsEndpoint,
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
export async function openNats(endpoint: NatsEndpoint): Promise<NatsConnection> {
  try {
    const limits = { timeout: patienceMs, maxReconnectAttempts: 10 };
    return await openConnection({ ...endpoint.access, name: 'necro' }, limits);
  } catch (error) {
    throw unreachable(endpoint, natsTrouble(error, endpoint.access).reason, error);
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

function translateNats(error: unknown, endpoint: NatsEndpoint): unknown {
  const forbidden = permissionViolation(error);
  if (forbidden)
    return new CommandRefused(
      `NATS does not let this user ${forbidden.operation === 'publish' ? 'publish to' : 'hear'} ${forbidden.subject}`,
    );
  const reason = reasonOf(error);
  return reason === undefined ? error : unreachable(endpoint, reason, error);
}

function unreachable(endpoint: NatsEndpoint, reason: string, error: unknown): Unreachable {
  return new Unreachable({ name: 'NATS', endpoint, variable: 'NATS_URL', code: 'internal' }, reason, error);
}

function reasonOf(error: unknown): string | undefined {
  if (error instanceof RunnerError) return undefined;
  const links = chain(error);
  const text = links.map(({ message }) => message).join(' ');
  if (links.some(isWithoutJetStream)) return 'JetStream is off (nats-server -js turns it on)';
  if (links.some((link) => link instanceof NoRespondersError))
    return 'JetStream is off, or lacks the streams';
  if (links.some((link) => link instanceof TimeoutError)) return 'no answer in time';
  if (links.some((link) => link instanceof JetStreamApiError)) return text;
  if (error instanceof RequestError || /ConnectionError|ClosedConnectionError/.test((error as Error)?.name)) {
    return 'the connection broke';
  }
  return undefined;
}

/** An error and its causes. */
function chain(error: unknown): Error[] {
  return error instanceof Error ? [error, ...chain(error.cause)] : [];
}
