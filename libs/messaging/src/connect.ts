import { connect, type NatsConnection } from '@nats-io/transport-node';

export type { NatsConnection };

export interface ConnectOptions {
  /** `nats://host:port`, several separated by commas. */
  readonly url: string;
  /** Shown in the server's list of connections. */
  readonly name: string;
}

/** Connects, waiting for a server that is not there yet, and reconnects for ever. */
export function connectNats({ url, name }: ConnectOptions): Promise<NatsConnection> {
  return connect({
    servers: url.split(',').map((server) => server.trim()),
    name,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    reconnectJitter: 500,
    pingInterval: 10_000,
  });
}
