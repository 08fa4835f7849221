import { setTimeout as pause } from 'node:timers/promises';
import { isIP } from 'node:net';
import { natsServersOf, RunnerError, shownNatsUrl, type NatsAccess } from '@necrocode/contracts';
import {
  connect,
  credsAuthenticator,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node';
import { natsTrouble } from './nats-trouble.js';

export type { NatsConnection };

export interface ConnectOptions extends NatsAccess {
  /** Shown in the server's list of connections. */
  readonly name: string;
}

export interface Waiting {
  /** Ends the waiting; the reason is thrown. */
  readonly signal?: AbortSignal;
  /** Told in one line what stands in the way, whenever that changes. */
  readonly tell?: (trouble: string) => void;
}

const retryMs = 500;
const connectDeadlineMs = 5_000;

/**
 * Connects, waiting for a server that is not there yet, and reconnects for ever.
 *
 * @throws RunnerError that names the setting, for what waiting does not help: a certificate or a user that
 *   is refused
 */
export async function connectNats(options: ConnectOptions, waiting: Waiting = {}): Promise<NatsConnection> {
  let told = '';
  for (;;) {
    try {
      return await openNats(options);
    } catch (error) {
      const { reason, passes } = natsTrouble(error, options);
      const trouble = `NATS at ${shownNatsUrl(options.url)}: ${reason}`;
      if (!passes) throw new RunnerError('internal', trouble, { cause: error, retryable: false });
      if (trouble !== told) waiting.tell?.(trouble);
      told = trouble;
    }
    await pause(retryMs * (1 + Math.random()), undefined, { signal: waiting.signal });
  }
}

/**
 * Connects once, for whoever does not wait.
 *
 * @throws errors of the NATS client, which `natsTrouble` puts into words
 */
export async function openNats(
  options: ConnectOptions,
  more: Pick<ConnectionOptions, 'timeout' | 'maxReconnectAttempts'> = {},
): Promise<NatsConnection> {
  const { creds } = options;
  const plain = connectionOptions(options);
  const connection = await connect({
    ...plain,
    ...more,
    ...(creds && { authenticator: credsAuthenticator(new TextEncoder().encode(wholeLines(creds))) }),
  });
  inboxPrefixes.set(connection, plain.inboxPrefix);
  return connection;
}

/** The client library reads credentials only when their last line ends. */
export function wholeLines(creds: string): string {
  return creds.endsWith('\n') ? creds : `${creds}\n`;
}

const inboxPrefixes = new WeakMap<NatsConnection, string | undefined>();

/** For inboxes that are made outside of the client library; undefined: its default. */
export function inboxPrefixOf(connection: NatsConnection): string | undefined {
  return inboxPrefixes.get(connection);
}

/** The options of a connection as plain data: all but the credentials. */
export function connectionOptions({ url, name, tls, ...access }: ConnectOptions): ConnectionOptions {
  const servers = natsServersOf(url);
  const named = servers.find(({ user }) => user !== undefined);
  const { user = named?.user, password = named?.password, inboxPrefix = inboxOf(user) } = access;
  return {
    servers: servers.map(({ address }) => address ?? ''),
    name,
    timeout: connectDeadlineMs,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    reconnectJitter: 500,
    pingInterval: 10_000,
    // A server that has just been given other users may be given these again.
    ignoreAuthErrorAbort: true,
    ...(user !== undefined && { user, pass: password ?? '' }),
    ...(inboxPrefix !== undefined && { inboxPrefix }),
    ...(tls && { tls: tlsOptions(tls, servers[0]?.host ?? '') }),
  };
}

/** A user's own inboxes: with a permission for all of `_INBOX.>` anyone could read anyone's replies. */
function inboxOf(user: string | undefined): string | undefined {
  return user !== undefined && /^[\w-]+$/.test(user) ? `_INBOX.${user}` : undefined;
}

function tlsOptions({ ca, cert, key }: NonNullable<NatsAccess['tls']>, host: string) {
  return {
    ca,
    ...(cert && key && { cert, key }),
    // The client names a server to TLS only by its host name: a certificate for an address would be compared
    // with "localhost".
    ...(isIP(host) > 0 && { host }),
  };
}
