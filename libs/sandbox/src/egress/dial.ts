import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type LookupFunction, type Socket } from 'node:net';
import type { Address, Destination } from './judge-destination.js';
import { authorizationFor } from './upstream-proxy.js';

const connectMs = 20_000;

/** Connects to one of the addresses, and to no other whatever the name leads to by now. */
export function dialDirectly({ host, port }: Destination, addresses: readonly Address[]): Promise<Socket> {
  const known: LookupFunction = (_host, _options, found) => found(null, [...addresses]);
  const socket = connect({ host, port, lookup: known, autoSelectFamily: true, allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    const give = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => give(new Error('no connection')), connectMs);
    socket.once('error', give).once('connect', () => {
      clearTimeout(timer);
      socket.off('error', give);
      resolve(socket);
    });
    socket.once('close', () => clearTimeout(timer));
  });
}

/** A tunnel through the operator's proxy. */
export function dialThrough(upstream: URL, { host, port }: Destination): Promise<Socket> {
  const path = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const start = upstream.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const asking = start({
      ...addressOf(upstream),
      method: 'CONNECT',
      path,
      headers: { host: path, ...authorizationFor(upstream) },
      agent: false,
      timeout: connectMs,
    });
    asking.once('error', reject);
    asking.once('timeout', () => asking.destroy(new Error('no answer')));
    asking.once('response', (response) => {
      response.destroy();
      reject(new Error(`the proxy of the runner answers ${response.statusCode}`));
    });
    asking.once('connect', (response, socket, head) => {
      socket.setTimeout(0);
      if (response.statusCode !== 200) {
        socket.destroy();
        reject(new Error(`the proxy of the runner answers ${response.statusCode}`));
        return;
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    asking.end();
  });
}

/** Where a proxy listens. */
export function addressOf(upstream: URL): { host: string; port: number } {
  const usual = upstream.protocol === 'https:' ? 443 : 80;
  return { host: upstream.hostname.replace(/^\[|\]$/g, ''), port: Number(upstream.port) || usual };
}
