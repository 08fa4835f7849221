import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Repositories over plain HTTP by git's own http-backend, for the end-to-end tests: `/<name>.git`, behind
 * one token. A repository comes to be when it is first asked for.
 */
const { GIT_ROOT = '/var/lib/necrocode', GIT_TOKEN_FILE = '', PORT = '8080' } = process.env;
const token = readFileSync(GIT_TOKEN_FILE, 'utf8').trim();
const expected = `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
const run = promisify(execFile);
const backend = join((await run('git', ['--exec-path'])).stdout.trim(), 'git-http-backend');
const making = new Map<string, Promise<void>>();

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    response.destroy();
  });
});
server.listen(Number(PORT));
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const address = new URL(request.url ?? '/', 'http://git-server');
  if (address.pathname === '/health') return void response.end('ok\n');
  const name = /^\/([\w-]+\.git)\//.exec(address.pathname)?.[1];
  if (name === undefined) return void response.writeHead(404).end();
  if (request.headers.authorization !== expected) {
    return void response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
  }
  const made = making.get(name) ?? makeRepository(join(GIT_ROOT, name));
  making.set(name, made);
  await made;
  answer(address, request, response);
}

async function makeRepository(path: string): Promise<void> {
  const isThere = await access(join(path, 'HEAD')).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  await mkdir(path, { recursive: true });
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', path]);
  await run('git', ['-C', path, 'config', 'http.receivepack', 'true']);
}

function answer(address: URL, request: IncomingMessage, response: ServerResponse): void {
  const child = spawn(backend, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: GIT_ROOT,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: address.pathname,
      QUERY_STRING: address.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'e2e',
    },
  });
  request.pipe(child.stdin);
  // The backend may end before it has read everything.
  child.stdin.on('error', () => undefined);
  response.on('close', () => child.kill());
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    const output = Buffer.concat(chunks);
    const end = output.indexOf('\r\n\r\n');
    for (const header of output.toString('latin1', 0, end).split('\r\n')) {
      const [name = '', value = ''] = header.split(': ');
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else if (name !== '') response.setHeader(name, value);
    }
    response.end(output.subarray(end + 4));
  });
}
