import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { dialDirectly, dialThrough } from './dial.js';
import { forwardRequest } from './forward-request.js';
import { plainHost, type HostPattern } from './host-pattern.js';
import { judgeDestination, type Destination, type Resolve } from './judge-destination.js';
import { Refusals } from './refusals.js';
import type { ChooseUpstream } from './upstream-proxy.js';

export interface EgressRules {
  readonly patterns: readonly HostPattern[];
  readonly chooseUpstream: ChooseUpstream;
  readonly resolve: Resolve;
  /** Connections at the same time. */
  readonly maxConnections: number;
  /** Of one command, in both directions together. */
  readonly maxBytes: number;
  /** How long the head of a request may take. */
  readonly headMs: number;
  /** A connection on which nothing moves is closed. */
  readonly idleMs: number;
}

const maxHeadBytes = 16_384;

/**
 * The way out for commands that may use the network: a forward proxy (CONNECT, and requests with a whole
 * http address) that goes to allowed hosts only. It looks at every request of a connection, resolves names
 * itself and connects to an address that it has checked, so neither a redirect nor a name that changes its
 * address leads past it. Everything that it refuses is answered with 403 and the setting that would allow it.
 */
export class EgressProxy implements AsyncDisposable {
  private readonly server: Server;
  private readonly sockets = new Set<Duplex>();
  private bytes = 0;

  constructor(
    private readonly rules: EgressRules,
    readonly refusals: Refusals,
  ) {
    this.server = createServer({
      maxHeaderSize: maxHeadBytes,
      headersTimeout: rules.headMs,
      connectionsCheckingInterval: Math.min(1_000, rules.headMs),
    });
    this.server.maxConnections = rules.maxConnections;
    this.server.on('connection', (socket) => this.keep(socket));
    this.server.on('request', (request, response) => void this.answer(request, response));
    this.server.on('connect', (request, socket, head) => void this.tunnel(request, socket as Socket, head));
  }

  /** @param path of a Unix socket */
  async listen(path: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen(path, () => resolve());
    });
  }

  /** Cuts what is still open. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : undefined;
    if (url?.protocol !== 'http:') {
      response.writeHead(400, { 'content-type': 'text/plain', connection: 'close' });
      response.end('This is a proxy: ask for a whole http address, or with CONNECT.\n');
      return;
    }
    const destination = { host: plainHost(url.hostname), port: Number(url.port) || 80 };
    const way = await this.wayTo(destination, 'http');
    if (way.kind === 'closed') {
      response.writeHead(way.status, way.reason, { 'content-type': 'text/plain', connection: 'close' });
      response.end(`${way.text}\n`);
      return;
    }
    await forwardRequest(request, response, url, {
      ...way,
      dial: () => dialDirectly(destination, way.addresses),
      keep: (socket) => this.keep(socket),
      count: (stream) => this.count(stream),
    });
  }

  private async tunnel(request: IncomingMessage, client: Socket, head: Buffer): Promise<void> {
    const destination = readAuthority(request.url ?? '');
    if (!destination) return endWith(client, 400, 'Bad Request', 'CONNECT needs a host and a port');
    const way = await this.wayTo(destination, 'https');
    if (way.kind === 'closed') return endWith(client, way.status, way.reason, way.text);
    try {
      const { upstream, addresses } = way;
      const server = await (upstream
        ? dialThrough(upstream, destination)
        : dialDirectly(destination, addresses));
      this.keep(server);
      if (client.destroyed) return void server.destroy();
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) server.write(head);
      join(client, server);
      this.count(client);
      this.count(server);
    } catch (error) {
      endWith(client, 502, 'Bad Gateway', error instanceof Error ? error.message : 'no connection');
    }
  }

  private async wayTo(destination: Destination, scheme: 'http' | 'https') {
    const upstream = this.rules.chooseUpstream(destination, scheme);
    const { resolve, patterns } = this.rules;
    const verdict =
      this.bytes > this.rules.maxBytes
        ? ({ kind: 'refused', why: 'the command has used up its traffic' } as const)
        : await judgeDestination(destination, patterns, { resolve, viaUpstream: upstream !== undefined });
    switch (verdict.kind) {
      case 'allowed':
        return { kind: 'open', addresses: verdict.addresses, upstream } as const;
      case 'unknown':
        return closed(502, 'Bad Gateway', `${destination.host} cannot be reached: ${verdict.why}`);
      case 'refused':
        return closed(
          403,
          'Host not allowed by sandbox.setup_network',
          this.refusals.add(destination, verdict.why),
        );
    }
  }

  /** Bounds a connection, and has it end with the command. */
  private keep(socket: Duplex): void {
    if (this.sockets.has(socket)) return;
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    // Connections break; whoever works with one hears of it by its end.
    socket.on('error', () => socket.destroy());
    (socket as Socket).setTimeout?.(this.rules.idleMs, () => socket.destroy());
  }

  /** To be set on a stream that is being piped, so that nothing flows before somebody reads it. */
  private count(stream: Readable): void {
    stream.on('data', (chunk: Buffer) => this.spend(chunk.length));
  }

  private spend(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes <= this.rules.maxBytes) return;
    for (const socket of this.sockets) socket.destroy();
  }
}

function closed(status: number, reason: string, text: string) {
  return { kind: 'closed', status, reason, text } as const;
}

/** `host:port`, an address of IPv6 in brackets. */
function readAuthority(text: string): Destination | undefined {
  const parts = /^(\[[0-9a-fA-F:.]+\]|[^[\]:/@?#\s]+):(\d{1,5})$/.exec(text);
  const [, name = '', port = ''] = parts ?? [];
  if (!parts || !URL.canParse(`http://${name}`)) return undefined;
  return { host: plainHost(new URL(`http://${name}`).hostname), port: Number(port) };
}

function endWith(client: Socket, status: number, reason: string, text: string): void {
  const body = `${text}\n`;
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    'content-type: text/plain',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  client.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Passes bytes both ways; each end is told of the other's. */
function join(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one);
  one.once('close', () => other.destroy());
  other.once('close', () => one.destroy());
}
