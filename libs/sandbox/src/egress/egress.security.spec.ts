import { jest } from '@jest/globals';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { createSocket } from 'node:dgram';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { tempDir } from '@necrocode/testkit';
import type { CommandResult } from '../command.js';
import { runAsUser } from '../contract/run-as-user.js';
import { createSandbox } from '../create-sandbox.js';
import { probeSandbox } from '../probe-sandbox.js';
import { EgressProxy, type EgressRules } from './egress-proxy.js';
import { readHostPattern } from './host-pattern.js';
import type { Address, Resolve } from './judge-destination.js';
import type { SetupNetwork } from './open-egress.js';
import { Refusals } from './refusals.js';
import { readUpstream } from './upstream-proxy.js';

jest.setTimeout(60_000);

const secret = 'the-operators-own-password';
const servers: { close(): unknown; closeAllConnections?(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.();
    server.close();
  }
});

async function serve(answer: RequestListener, address = '127.0.0.1'): Promise<number> {
  return listen(createHttpServer(answer), address);
}

async function listen(server: Server, address = '127.0.0.1'): Promise<number> {
  servers.push(server);
  await once(server.listen(0, address), 'listening');
  return (server.address() as AddressInfo).port;
}

const hello: RequestListener = (_request, response) => response.end('reached');
const asAddress = (address: string): Address => ({ address, family: 4 });

const { level } = await probeSandbox();
const onlyFull = level === 'full' ? describe : describe.skip;

onlyFull('a command of setup', () => {
  const run = async (
    command: string,
    network: SetupNetwork,
    environment: NodeJS.ProcessEnv = {},
  ): Promise<CommandResult> => {
    const hostEnvironment = { ...withoutProxies(process.env), ...environment };
    const sandbox = await createSandbox({ allowLowered: false, hostEnvironment, network });
    return sandbox.runCommand(command, { workTree: tempDir(), network: true, timeoutMs: 60_000 });
  };
  const get = (url: string) => `curl --silent --show-error --max-time 20 ${url}`;

  it('[AR-10.2] reaches what is named, over http and through a tunnel', async () => {
    const port = await serve(hello);
    const commands = [get(`http://127.0.0.1:${port}/`), get(`--proxytunnel http://127.0.0.1:${port}/`)];
    const result = await run(commands.join(' && '), { hosts: [`127.0.0.1:${port}`] });
    expect(result).toMatchObject({ exitCode: 0, stdout: 'reachedreached', stderr: '' });
    expect(result.refusals).toBeUndefined();
  });

  it('[AR-10.2] reaches nothing of the machine by itself: loopback, its addresses, name servers, datagrams', async () => {
    const port = await serve(hello, '0.0.0.0');
    const datagrams: Buffer[] = [];
    const udp = createSocket('udp4', (message) => datagrams.push(message));
    await new Promise<void>((resolve) => udp.bind(0, '0.0.0.0', resolve));
    servers.push(udp);
    const script = `
      const net = require('node:net'), dgram = require('node:dgram'), dns = require('node:dns'), os = require('node:os');
      const tcp = (host, port) => new Promise((done) => net.connect({ host, port, timeout: 3000 })
        .on('connect', () => done(host + ' reached')).on('error', (e) => done(host + ' ' + e.code)).on('timeout', () => done(host + ' silent')));
      const udp = (host, port) => new Promise((done) => { const s = dgram.createSocket('udp4');
        s.send('x', port, host, (e) => { s.close(); done('udp ' + host + ' ' + (e?.code ?? 'sent')); }); });
      (async () => {
        for (const host of ['127.0.0.1', '0.0.0.0', '192.0.2.2', '8.8.8.8', '169.254.169.254', '::1']) console.log(await tcp(host, ${port}));
        console.log(await udp('8.8.8.8', 53), await udp('127.0.0.1', ${udp.address().port}));
        console.log(await new Promise((done) => dns.resolve('example.com', (e) => done('dns ' + (e?.code ?? 'found')))));
        console.log(Object.keys(os.networkInterfaces()).join());
      })();`;
    const { stdout } = await run(`node -e '${script.replaceAll("'", '"')}'`, { hosts: ['*'] });
    expect(stdout).not.toMatch(/reached|silent|found/);
    expect(stdout).toMatch(/8\.8\.8\.8 ENETUNREACH/);
    expect(stdout.trimEnd()).toMatch(/\nlo$/);
    expect(datagrams).toEqual([]);
  });

  it('[AR-10.2] is told of each host that it was refused, in words that name the setting', async () => {
    const told: string[] = [];
    const sandbox = await createSandbox({ allowLowered: false, network: { hosts: ['registry.example'] } });
    const command = `for i in 1 2 3; do ${get('https://evil.example/')}; done; ${get('http://evil.example/')}`;
    const options = { workTree: tempDir(), network: true, timeoutMs: 60_000 };
    const result = await sandbox.runCommand(command, { ...options, onOutput: (line) => told.push(line) });
    expect(result.refusals?.map(({ destination, count }) => [destination, count])).toEqual([
      ['evil.example:443', 3],
      ['evil.example:80', 1],
    ]);
    expect(result.stdout).toMatch(/^setup may not reach evil\.example:80: .*sandbox\.setup_network\.hosts/);
    expect(result.output).toMatch(
      /\[sandbox\] setup may not reach evil\.example:443: .*sandbox\.setup_network\.hosts/,
    );
    expect(told.join('').match(/\[sandbox\].*evil\.example:443/g)).toHaveLength(1);
  });

  it('[AR-10.2] finds no secret of the runner, nor the credentials of its proxy', async () => {
    const upstream = await serve((_request, response) => response.end('not asked'));
    const environment = {
      https_proxy: `http://user:${secret}@127.0.0.1:${upstream}`,
      OPENAI_API_KEY: secret,
    };
    const look =
      'env; cat /proc/*/environ /proc/*/cmdline; ls -laR /run /tmp; cat /run/necrocode/*.mjs; cat /etc/resolv.conf';
    const result = await run(look, { hosts: ['*'] }, environment);
    expect(result.output).not.toContain(secret);
    expect(result.output).toContain('egress.sock');
  });

  it('[AR-10.2] goes through the proxy of the operator, with its credentials, as far as the list allows', async () => {
    const target = await serve(hello);
    const asked: IncomingMessage[] = [];
    const proxy = createHttpServer((request, response) => {
      asked.push(request);
      response.end('by proxy');
    });
    proxy.on('connect', (request: IncomingMessage, client) => {
      asked.push(request);
      const server = connect(target, '127.0.0.1', () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
      client.pipe(server).pipe(client);
      client.on('error', () => server.destroy());
    });
    const port = await listen(proxy);
    const address = `http://user:${secret}@127.0.0.1:${port}`;
    const commands = [
      get('http://a.example/x'),
      get('--proxytunnel http://a.example/'),
      get('http://b.example/'),
      get('--proxytunnel http://c.example/'),
    ];
    const resolve: Resolve = (host) => Promise.resolve(host === 'c.example' ? [asAddress('127.0.0.1')] : []);
    const result = await run(
      commands.join('; echo; '),
      { hosts: ['a.example', 'c.example'], resolve },
      { HTTP_PROXY: address, https_proxy: address, no_proxy: 'other.example' },
    );
    expect(result.stdout).toMatch(/^by proxy\nreached\nsetup may not reach b\.example/);
    expect(result.refusals?.map(({ destination }) => destination)).toEqual(['b.example:80', 'c.example:80']);
    expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET http://a.example/x',
      'CONNECT a.example:80',
    ]);
    const credentials = `Basic ${Buffer.from(`user:${secret}`).toString('base64')}`;
    expect(asked.map(({ headers }) => headers['proxy-authorization'])).toEqual([credentials, credentials]);
  });

  it('[AR-10.2] leaves no socket behind, and has one however long its directory is called', async () => {
    const port = await serve(hello);
    const slot = join(tempDir(), 'x'.repeat(120), 'y'.repeat(120));
    const [workTree, home] = [join(slot, 'tree'), join(slot, 'home')];
    await Promise.all([workTree, home].map((path) => mkdir(path, { recursive: true })));
    const sandbox = await createSandbox({ allowLowered: false, network: { hosts: [`127.0.0.1:${port}`] } });
    const options = { workTree, home, network: true, timeoutMs: 60_000 };
    const command = `${get(`http://127.0.0.1:${port}/`)}; ls "$HOME/.."`;
    expect((await sandbox.runCommand(command, options)).stdout).toMatch(/^reached/);
    expect((await readdir(slot)).sort()).toEqual(['home', 'tree']);
  });

  it('[AR-10.4] is an ordinary user without rights, and so is what stands in front of it', async () => {
    const port = await serve(hello);
    const slot = tempDir();
    const [workTree, home] = [join(slot, 'tree'), join(slot, 'home')];
    await Promise.all([workTree, home].map((path) => mkdir(path)));
    const sandbox = await createSandbox({ allowLowered: false, network: { hosts: [`127.0.0.1:${port}`] } });
    const look = `${get(`http://127.0.0.1:${port}/`)}; echo; echo x > f; echo x > "$HOME/f"; id -u; stat -c %u . f "$HOME" "$HOME/f"; for pid in $$ $PPID; do grep -E "^(Uid|CapPrm|CapEff|NoNewPrivs):" /proc/$pid/status; done`;
    const seenAt = { workTree: '/task', home: '/home/sandbox' };
    const options = { workTree, home, seenAt, network: true, timeoutMs: 60_000 };
    const { stdout } = await sandbox.runCommand(look, options);
    const [reached, user, ...lines] = stdout.trim().split('\n');
    expect([reached, Number(user) > 0]).toEqual(['reached', true]);
    const rights = [
      `Uid:\t${[user, user, user, user].join('\t')}`,
      ...['CapPrm', 'CapEff'].map((kind) => `${kind}:\t${'0'.repeat(16)}`),
      'NoNewPrivs:\t1',
    ];
    expect(lines).toEqual([user, user, user, user, ...rights, ...rights]);
  });

  it.each([true, false])(
    '[AR-11.5] has the same limits with a way out as without one (control groups: %s)',
    async (controlGroups) => {
      const sandbox = await createSandbox({ allowLowered: false, controlGroups });
      const limits = { processes: 12, memoryMb: 64 };
      const options = { workTree: tempDir(), network: true, timeoutMs: 60_000, limits };
      const few = 'for i in 1 2 3; do sleep 0.5 & done; wait';
      expect(await sandbox.runCommand(few, options)).toMatchObject({ exitCode: 0, limitHit: null });
      const many = 'for i in $(seq 40); do sleep 20 & done; wait';
      expect((await sandbox.runCommand(many, options)).limitHit).toBe('processes');
      const large = `head -c 400000000 /dev/zero | tail; sleep 20`;
      expect((await sandbox.runCommand(large, options)).limitHit).toBe('memory');
    },
  );

  it('[AR-10.2] cannot put another command in front of the next one, nor outlive its end', async () => {
    const port = await serve(hello);
    const network = { hosts: [`127.0.0.1:${port}`] };
    const result = await run('kill -9 $PPID; sleep 600', network);
    expect(result.exitCode).not.toBe(0);
    expect((await run(get(`http://127.0.0.1:${port}/`), network)).stdout).toBe('reached');
    expect((await run('sh -c "kill -9 $$"', network)).exitCode).toBe(137);
    expect((await run('exit 7', network)).exitCode).toBe(7);
  });
});

describe('the proxy', () => {
  let proxy: EgressProxy;
  let socket: string;
  afterEach(() => proxy[Symbol.asyncDispose]());

  const open = async (hosts: readonly string[], more: Partial<EgressRules> = {}): Promise<Refusals> => {
    const refusals = new Refusals(() => undefined);
    proxy = new EgressProxy(
      {
        patterns: hosts.flatMap((host) => readHostPattern(host) ?? []),
        chooseUpstream: readUpstream({}),
        resolve: () => Promise.resolve([]),
        maxConnections: 20,
        maxBytes: 1_000_000,
        headMs: 5_000,
        idleMs: 20_000,
        ...more,
      },
      refusals,
    );
    socket = join(tempDir(), 'proxy.sock');
    await proxy.listen(socket);
    return refusals;
  };
  /** Sends bytes and returns all that comes back until the proxy hangs up. */
  const send = async (bytes: string | Buffer): Promise<string> => {
    const client = connect(socket);
    client.on('error', () => undefined);
    client.write(bytes);
    return text(client).catch((error: unknown) => `broken: ${String(error)}`);
  };
  const ask = (target: string, headers = '') =>
    send(`GET ${target} HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n${headers}\r\n`);
  const tunnel = (target: string) => send(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\n`);

  it.each([
    'evil.example:443',
    'registry.example:22',
    'registry.example:25',
    '127.0.0.1:4222',
    '127.1:443',
    '2130706433:443',
    '0x7f000001:443',
    '0177.0.0.1:443',
    '[::1]:443',
    '[::ffff:127.0.0.1]:443',
    '169.254.169.254:80',
    '203.0.113.9:443',
    'localhost:443',
    'localhost.:443',
    'registry.example.evil.example:443',
  ])('[AR-10.2] opens no tunnel to %s', async (target) => {
    const refusals = await open(['registry.example'], {
      resolve: () => Promise.resolve([asAddress('127.0.0.1')]),
    });
    expect(await tunnel(target)).toMatch(/^HTTP\/1\.1 403 /);
    expect(refusals.list).toHaveLength(1);
  });

  it.each([
    '127.1:443',
    '2130706433:443',
    '0x7f.1:443',
    '[::ffff:7f00:1]:443',
    'nats.example:443',
    'localhost:80',
  ])('[AR-10.2] opens none to %s either where every public host is allowed', async (target) => {
    await open(['*'], { resolve: () => Promise.resolve([asAddress('127.0.0.1')]) });
    expect(await tunnel(target)).toMatch(/^HTTP\/1\.1 403 /);
  });

  it.each([
    'registry.example',
    'a b:443',
    'registry.example:0443443',
    'user@registry.example:443',
    '/',
    ':443',
    '[::1:443',
  ])('[AR-10.2] does not guess what "%s" means', async (target) => {
    await open(['registry.example']);
    expect(await tunnel(target)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it.each([
    '/',
    'https://registry.example/',
    'ftp://registry.example/',
    'file:///etc/passwd',
    'registry.example',
  ])('[AR-10.2] answers a request for %s with 400', async (target) => {
    await open(['registry.example', '*']);
    expect(await ask(target)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('[AR-10.2] connects to the address that it has checked, and asks for the name once', async () => {
    const port = await serve(hello, '127.0.0.1');
    let asked = 0;
    // Names that lead elsewhere the second time are how checks are deceived.
    const resolve: Resolve = () =>
      Promise.resolve([asAddress((asked += 1) === 1 ? '127.0.0.1' : '127.0.0.2')]);
    await open([`localhost:${port}`], { resolve });
    expect(await ask(`http://localhost:${port}/`)).toMatch(/reached/);
    expect(asked).toBe(1);
  });

  it('[AR-10.2] hands a redirect back, and refuses where it leads', async () => {
    const inner = await serve((_request, response) => response.end(secret));
    const location = `http://127.0.0.1:${inner}/`;
    const port = await serve((_request, response) => response.writeHead(302, { location }).end());
    await open([`127.0.0.1:${port}`]);
    expect(await ask(`http://127.0.0.1:${port}/`)).toMatch(/^HTTP\/1\.1 302 [^]*location: http/i);
    expect(await ask(location)).toMatch(/^HTTP\/1\.1 403 /);
  });

  it('[AR-10.2] writes requests anew: host, credentials for the proxy and hop headers are not passed on', async () => {
    const seen: IncomingMessage[] = [];
    const port = await serve((request, response) => {
      seen.push(request);
      response.end('ok');
    });
    await open([`127.0.0.1:${port}`]);
    const headers =
      'proxy-authorization: Basic eA==\r\nproxy-connection: keep-alive\r\nconnection: x-hop\r\nx-hop: 1\r\nx-kept: 1\r\n';
    expect(await ask(`http://user:pass@127.0.0.1:${port}/p?q=1`, headers)).toMatch(/200 OK/);
    expect(seen).toHaveLength(1);
    expect(seen[0]?.url).toBe('/p?q=1');
    expect(seen[0]?.headers).toEqual({ host: `127.0.0.1:${port}`, 'x-kept': '1', connection: 'close' });
  });

  it('[AR-10.2] looks at each request of a connection', async () => {
    const port = await serve(hello);
    await open([`127.0.0.1:${port}`]);
    const first = `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nhost: x\r\n\r\n`;
    const second = 'GET http://evil.example/ HTTP/1.1\r\nhost: x\r\n\r\n';
    expect(await send(first + second)).toMatch(/^HTTP\/1\.1 200 [^]*reached[^]*HTTP\/1\.1 403 /);
  });

  it.each([
    ['two lengths', 'content-length: 4\r\ncontent-length: 40\r\n'],
    ['a length and chunks', 'content-length: 4\r\ntransfer-encoding: chunked\r\n'],
    ['a space before the colon', 'content-length : 4\r\n'],
    ['a folded line', 'x: 1\r\n y\r\n'],
    ['a huge head', `x: ${'y'.repeat(100_000)}\r\n`],
    ['very many fields', Array.from({ length: 3_000 }, (_none, at) => `x${at}: y\r\n`).join('')],
  ])('[AR-10.2] hangs up on %s', async (_name, headers) => {
    const seen: string[] = [];
    const port = await serve((request, response) => {
      seen.push(request.url ?? '');
      response.end('reached');
    });
    await open([`127.0.0.1:${port}`]);
    const request = `POST http://127.0.0.1:${port}/ HTTP/1.1\r\nhost: a\r\n${headers}\r\nbodyGET http://x/ HTTP/1.1\r\n\r\n`;
    expect(await send(request)).toMatch(/^HTTP\/1\.1 4(00|31) |^broken/);
    expect(seen).toEqual([]);
  });

  it.each(['GET', 'DELETE', 'POST'])(
    '[AR-10.2] keeps what %s sends along within its frame',
    async (method) => {
      const seen: string[] = [];
      const port = await serve((request, response) => {
        seen.push(`${request.method} ${request.url}`);
        request.on('data', (chunk: Buffer) => seen.push(chunk.toString()));
        request.on('end', () => response.end('reached'));
      });
      await open([`127.0.0.1:${port}`]);
      const hidden = 'GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n';
      const head = `${method} http://127.0.0.1:${port}/shown HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`;
      expect(await send(`${head}${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`)).toMatch(/reached/);
      expect(seen).toEqual([`${method} /shown`, hidden]);
    },
  );

  it('[AR-10.2] gives up on a head that never ends', async () => {
    await open(['*'], { headMs: 100 });
    const client = connect(socket);
    client.on('error', () => undefined).write('GET http://a.example/ HTTP/1.1\r\n');
    expect(await text(client)).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('[AR-10.2] closes a tunnel on which nothing moves', async () => {
    const silent = createServer(() => undefined);
    const port = await listen(silent);
    await open([`127.0.0.1:${port}`], { idleMs: 100 });
    expect(await tunnel(`127.0.0.1:${port}`)).toBe('HTTP/1.1 200 Connection established\r\n\r\n');
  });

  it('[AR-10.2] holds no more connections than it may', async () => {
    await open(['*'], { maxConnections: 2 });
    const idle = [connect(socket), connect(socket)];
    await Promise.all(idle.map((one) => once(one, 'connect')));
    const third = connect(socket);
    third.on('error', () => undefined);
    await once(third, 'close');
    idle.forEach((one) => one.destroy());
  });

  it('[AR-10.2] ends at the bytes that a command may move', async () => {
    const port = await serve((_request, response) => response.end(Buffer.alloc(300_000)));
    const refusals = await open([`127.0.0.1:${port}`], { maxBytes: 200_000 });
    const first = await ask(`http://127.0.0.1:${port}/`);
    expect(first.length).toBeLessThan(300_000);
    expect(await ask(`http://127.0.0.1:${port}/`)).toMatch(/^HTTP\/1\.1 403 [^]*used up its traffic/);
    expect(refusals.list).toHaveLength(1);
  });

  it('[AR-10.2] remembers a bounded number of refusals', async () => {
    const refusals = await open([]);
    for (let at = 0; at < 200; at += 1) await tunnel(`${'x'.repeat(500)}${at}.example:443`);
    await tunnel('a.example:443');
    expect(refusals.list.length).toBeLessThanOrEqual(51);
    expect(JSON.stringify(refusals.list).length).toBeLessThan(30_000);
  });
});

(process.getuid?.() === 0 ? it : it.skip)(
  '[AR-10.2] all of this holds for an ordinary user too',
  async () => {
    const { status, output } = await runAsUser(import.meta.filename);
    // This test alone does nothing there.
    expect(output).toMatch(/Tests: +1 skipped, \d+ passed/);
    expect({ status, output: status === 0 ? '' : output }).toEqual({ status: 0, output: '' });
  },
  300_000,
);

function withoutProxies(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/_proxy$/i.test(name)));
}
