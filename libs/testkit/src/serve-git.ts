import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface GitServer extends AsyncDisposable {
  readonly origin: string;
  readonly url: string;
  /** The Authorization header of every request so far. */
  readonly attempts: (string | undefined)[];
}

/**
 * A git dir behind real HTTP with basic authentication, by git's own http-backend.
 *
 * @param holds requests that are never answered, although whoever asks may
 * @param drops requests whose connection is broken: `before` git hears of them, or `after` it has done its work
 */
export async function serveGit(
  gitDir: string,
  user: { username: string; password: string },
  holds: (url: string) => boolean = () => false,
  drops: (url: string) => 'before' | 'after' | undefined = () => undefined,
): Promise<GitServer> {
  const { stdout } = await promisify(execFile)('git', ['--exec-path']);
  const backend = join(stdout.trim(), 'git-http-backend');
  const expected = `Basic ${Buffer.from(`${user.username}:${user.password}`).toString('base64')}`;
  const attempts: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    attempts.push(request.headers.authorization);
    const dropped = drops(request.url ?? '');
    if (dropped === 'before') request.socket.destroy();
    else if (request.headers.authorization === expected) {
      if (!holds(request.url ?? '')) answer(backend, gitDir, request, response, dropped);
    } else response.writeHead(401, { 'www-authenticate': 'Basic realm="spec"' }).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    url: `${origin}/x.git`,
    attempts,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function answer(
  backend: string,
  gitDir: string,
  request: IncomingMessage,
  response: ServerResponse,
  dropped: 'after' | undefined,
): void {
  const address = new URL(request.url ?? '/', 'http://spec');
  const child = spawn(backend, {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: gitDir,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: address.pathname.replace('/x.git', ''),
      QUERY_STRING: address.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'spec',
    },
  });
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    if (dropped) {
      request.socket.destroy();
      return;
    }
    const output = Buffer.concat(chunks);
    const end = output.indexOf('\r\n\r\n');
    for (const header of output.toString('latin1', 0, end).split('\r\n')) {
      const [name = '', value = ''] = header.split(': ');
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.end(output.subarray(end + 4));
  });
}
