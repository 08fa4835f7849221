import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';

export type { NatsConnection };

export interface ConnectOptions {
  /** `nats://host:port`, several separated by commas. */
  readonly url: string;
  /** Shown in the server's list of connections. */
  readonly name: string;
}

/** Connects, waiting for a server that is not there yet, and reconnects for ever. */
export function connectNats(options: ConnectOptions): Promise<NatsConnection> {
  return connect(connectionOptions(options));
}

/** The same for whoever connects by itself, as plain data. */
export function connectionOptions({ url, name }: ConnectOptions): ConnectionOptions {
  return {
    servers: url.split(',').map((server) => server.trim()),
    name,
    waitOnFirstConnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    reconnectJitter: 500,
    pingInterval: 10_000,
  };
}
