import { credentials, type ChannelCredentials, type ClientOptions } from '@grpc/grpc-js';

type ClientConstructor<Client> = new (
  address: string,
  credentials: ChannelCredentials,
  options?: Partial<ClientOptions>,
) => Client;

/** Largest message either side accepts: documents such as a task travel whole. */
export const maxMessageBytes = 8 * 1024 * 1024;

/**
 * A generated client on a channel that reconnects by itself.
 *
 * @param address `host:port`, also with `grpc://` in front
 */
export function createClient<Client>(constructor: ClientConstructor<Client>, address: string): Client {
  return new constructor(hostAndPort(address), credentials.createInsecure(), {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 5_000,
  });
}

/** An address as channels take it. */
export function hostAndPort(address: string): string {
  return address.replace(/^grpc:\/\//, '');
}
