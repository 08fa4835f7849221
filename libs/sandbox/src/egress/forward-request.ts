import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { addressOf } from './dial.js';
import { authorizationFor } from './upstream-proxy.js';

interface Way {
  readonly upstream: URL | undefined;
  readonly dial: () => Promise<Socket>;
  readonly keep: (socket: Duplex) => void;
  /** Counts what a stream that is being piped carries. */
  readonly count: (stream: Readable) => void;
}

/**
 * Sends a request with a whole http address on, written anew: what the head says of its host or of its
 * connection cannot make it another request. A redirect is handed back; following it is the next request.
 */
export async function forwardRequest(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  { upstream, dial, keep, count }: Way,
): Promise<void> {
  try {
    const socket = upstream ? undefined : await dial();
    const start = upstream?.protocol === 'https:' ? httpsRequest : httpRequest;
    const asking = start({
      method: request.method,
      headers: {
        ...endToEnd(request.headers),
        // Node frames what a GET or DELETE sends along only where it is told to.
        ...(request.headers['transfer-encoding'] !== undefined && { 'transfer-encoding': 'chunked' }),
        host: url.host,
        connection: 'close',
        ...(upstream && authorizationFor(upstream)),
      },
      ...(upstream
        ? { agent: false, ...addressOf(upstream), path: `${url.origin}${url.pathname}${url.search}` }
        : // An agent, even none of its own, would not use the connection.
          { path: url.pathname + url.search, createConnection: () => socket }),
    });
    asking.once('socket', keep);
    response.once('close', () => asking.destroy());
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      asking.once('response', resolve).once('error', reject);
    });
    const sent = pipeline(request, asking);
    count(request);
    const [answer] = await Promise.all([answered, sent]);
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.headers));
    const received = pipeline(answer, response);
    count(answer);
    await received;
  } catch {
    if (response.headersSent) response.destroy();
    else response.writeHead(502, { 'content-type': 'text/plain' }).end(`${url.host} cannot be reached\n`);
  }
}

/** What is meant for the next hop alone, and what no hop may do here. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

function endToEnd(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  const named = (headers.connection ?? '').toLowerCase().split(/\s*,\s*/);
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !hopByHop.has(name) && !named.includes(name)),
  );
}
