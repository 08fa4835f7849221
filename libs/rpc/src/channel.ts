import { credentials, status, type ChannelCredentials, type ClientOptions } from '@grpc/grpc-js';
import { suspectedTlsTrouble, tlsTrouble, type ClientTls } from '@necrocode/contracts';
import { measureCalls } from './measure-calls.js';
import { messageLimitsOf } from './message-limits.js';
import { isMessageTooLarge, isStatusError } from './persist.js';

/** Where a service is, and how it is spoken to. */
export interface GrpcEndpoint {
  /** `host:port`, also with `grpc://` in front. */
  readonly address: string;
  /** What the settings about TLS begin with, such as TASK_REGISTRY_TLS; messages name them. */
  readonly tlsSetting: string;
  /** Absent: without TLS. */
  readonly tls?: ClientTls | undefined;
}

interface ClientConstructor<Client> {
  new (address: string, credentials: ChannelCredentials, options?: Partial<ClientOptions>): Client;
  /** Full name of the service. */
  readonly serviceName?: string;
}

/**
 * A generated client on a channel that reconnects by itself.
 *
 * @param endpoint an address alone is spoken to without TLS
 */
export function createClient<Client>(
  constructor: ClientConstructor<Client>,
  endpoint: string | GrpcEndpoint,
): Client {
  const { address, tls } = typeof endpoint === 'string' ? { address: endpoint, tls: undefined } : endpoint;
  const { request, response } = messageLimitsOf(constructor.serviceName);
  return new constructor(hostAndPort(address), credentialsOf(tls), {
    'grpc.max_receive_message_length': response,
    'grpc.max_send_message_length': request,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 5_000,
    interceptors: [measureCalls],
  });
}

/** An address as channels take it. */
export function hostAndPort(address: string): string {
  return address.replace(/^grpc:\/\//, '');
}

/**
 * What a failed call says about the way to the service: part of a sentence about it, in one line, that
 * names the setting where TLS is the reason. Undefined when the service has answered.
 */
export function connectionTrouble(error: unknown, { tlsSetting, tls }: GrpcEndpoint): string | undefined {
  if (!isStatusError(error)) return undefined;
  const { code, details } = error;
  if (isMessageTooLarge(error)) return 'a message is larger than it takes';
  if (code === status.DEADLINE_EXCEEDED) return 'no answer in time';
  if (code !== status.UNAVAILABLE) return undefined;
  const trouble = tlsTrouble(details, tlsSetting, tls);
  if (trouble) return trouble;
  if (/ECONNREFUSED/.test(details)) return 'connection refused';
  if (/ENOTFOUND|EAI_AGAIN|Name resolution failed/.test(details)) return 'the host name is not known';
  if (/ETIMEDOUT|ENETUNREACH|EHOSTUNREACH/.test(details)) return 'the host cannot be reached';
  if (!/No connection established|ECONNRESET|Connection dropped|Protocol error/.test(details))
    return undefined;
  return `the connection broke; ${suspectedTlsTrouble(tlsSetting, tls)}`;
}

function credentialsOf(tls: ClientTls | undefined): ChannelCredentials {
  if (!tls) return credentials.createInsecure();
  const bytes = (text: string | undefined) => (text === undefined ? null : Buffer.from(text));
  return credentials.createSsl(Buffer.from(tls.ca), bytes(tls.key), bytes(tls.cert));
}
