import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, watch, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { plainGit } from '@necrocode/stack';
import type { PointName } from '../fault-points.js';
import type { Gate } from '../gate.js';
import type { Ledger } from '../ledger.js';
import { gitEnvironment } from '../process-environment.js';
import type { GitRepositories } from './git-repositories.js';
import type { Proxy } from './nats-proxy.js';
import { serveHttp } from './serve-http.js';

export interface GitRemoteOptions {
  readonly repositories: GitRepositories;
  readonly gate: Gate;
  readonly ledger: Ledger;
  /**
   * The runner that comes through this port, by its setting `http_proxy`. Absent for the address in the
   * tasks, which the pool uses: it is nobody's attempt.
   */
  readonly runner?: number;
}

/** The remote of all tasks: git's own HTTP backend behind a server that sees what is asked. */
export async function startGitRemote(options: GitRemoteOptions): Promise<Proxy> {
  const backend = join(plainGit(options.repositories.root, '--exec-path').trim(), 'git-http-backend');
  return serveHttp((request, response) => serve(request, response, backend, options));
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  backend: string,
  options: GitRemoteOptions,
): Promise<void> {
  // Through a proxy the whole address is asked for, else only the path.
  const address = new URL(request.url ?? '/', 'http://remote');
  const [, key = ''] = /^\/([^/]+\/[^/]+)\.git\//.exec(address.pathname) ?? [];
  const body = await buffer(request);
  const { gate, ledger, repositories, runner } = options;
  const point = runner === undefined ? undefined : pointOf(address, body);
  if (!point) return send(response, await ask(backend, repositories.root, request, address, body));

  if (point === 'git_refs' && gate.next(key)?.point === 'git_fetch') repositories.advanceBase(key);
  if (point === 'push_refs' || point === 'push') ledger.find(key)?.keepAnswers();
  if ((await gate.pass({ point, phase: 'before', key, runner })) === 'drop') return void response.destroy();
  const release = point === 'push' ? holdHook(key, options) : undefined;
  const reply = await ask(backend, repositories.root, request, address, body);
  release?.();
  if ((await gate.pass({ point, phase: 'after', key, runner })) === 'drop') return void response.destroy();
  send(response, reply);
}

function pointOf(address: URL, body: Buffer): PointName | undefined {
  const service = address.searchParams.get('service');
  if (service === 'git-upload-pack') return 'git_refs';
  if (service === 'git-receive-pack') return 'push_refs';
  if (address.pathname.endsWith('/git-receive-pack')) return 'push';
  // Listing references is the second half of git_refs.
  return body.includes('command=fetch') ? 'git_fetch' : undefined;
}

/** Has the remote's hook wait where a fault is to strike inside it. Returns what ends the watch. */
function holdHook(key: string, { gate, repositories, runner }: GitRemoteOptions): (() => void) | undefined {
  const point = gate.next(key)?.point;
  if (point !== 'pre_receive' && point !== 'post_receive') return undefined;
  const directory = repositories.pathOf(key);
  const watcher = watch(directory, (_event, name) => {
    if (!name?.startsWith(`held-${point}.`)) return;
    watcher.close();
    void gate
      .pass({ point, phase: 'during', key, runner })
      .finally(() => rmSync(join(directory, name), { force: true }));
  });
  writeFileSync(join(directory, `hold-${point}`), '');
  return () => {
    watcher.close();
    rmSync(join(directory, `hold-${point}`), { force: true });
  };
}

interface Reply {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

/** Runs git's backend on a request; it goes on also when nobody waits for the reply any more. */
async function ask(
  backend: string,
  root: string,
  request: IncomingMessage,
  address: URL,
  body: Buffer,
): Promise<Reply> {
  const child = spawn(backend, {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...gitEnvironment,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: address.pathname,
      QUERY_STRING: address.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_USER: 'chaos',
    },
  });
  child.stdin.on('error', () => undefined).end(body);
  const [output] = await Promise.all([buffer(child.stdout), once(child, 'close')]);
  const end = output.indexOf('\r\n\r\n');
  const headers = output
    .toString('latin1', 0, end)
    .split('\r\n')
    .map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)] as const);
  const status = headers.find(([name]) => name === 'Status')?.[1];
  return {
    status: status === undefined ? 200 : Number.parseInt(status, 10),
    headers: headers.filter(([name]) => name !== 'Status'),
    body: output.subarray(end + 4),
  };
}

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  if (response.destroyed) return;
  for (const [name, value] of headers) response.setHeader(name, value);
  response.writeHead(status).end(body);
}
