import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { taskRegistry } from '@necrocode/contracts';
import { ensureStreams, ensureTaskConsumer, publishDeadLetter } from '@necrocode/messaging';
import { call } from '@necrocode/rpc';
import { freePort } from '@necrocode/testkit';
import type { Check } from './doctor/check.js';
import { judgeGit } from './doctor/check-host.js';
import { checkLlm } from './doctor/check-llm.js';
import { judgeReach } from './doctor/check-setup-network.js';
import { judgeQueues, judgeRunners } from './doctor/check-services.js';
import { withNats } from './reach/nats.js';
import { specTask, specNats, startSpecStack, writeTask, type SpecStack } from './spec-stack.js';
import { necro } from './spec-terminal.js';

const runner = taskRegistry.Runner.fromPartial({ runnerId: 'r-1', queues: ['default'], sandbox: 'full' });

describe('necro doctor', () => {
  let stack: SpecStack;
  beforeAll(async () => (stack = await startSpecStack()), 60_000);
  afterAll(() => stack.stop());

  const examine = async () => {
    const ran = await necro(['doctor', '--json'], stack.environment);
    const { ok, checks } = ran.json() as { ok: boolean; checks: Check[] };
    return { ...ran, ok, byName: Object.fromEntries(checks.map((check) => [check.name, check])) };
  };

  it('[AR-12.5] tells what works and what does not, with a remedy, and fails when something is missing', async () => {
    const { exitCode, ok, byName } = await examine();
    expect({ exitCode, ok }).toEqual({ exitCode: 1, ok: false });
    expect(byName).toMatchObject({
      nats: { state: 'ok', detail: expect.stringContaining('JetStream on') as string },
      'task registry': { state: 'ok' },
      'artifact store': { state: 'ok' },
      'repo pool': { state: 'fail', detail: expect.stringContaining('REPO_POOL_URL') as string },
      runners: { state: 'fail' },
      git: { state: 'ok' },
      'dead letters': { state: 'ok', remedy: null },
    });
    expect(byName['repo pool']?.remedy).toContain('REPO_POOL_URL');
  });

  it('[AR-14.4] finds queues that nobody serves, and counts dead letters', async () => {
    await withNats(specNats(stack), async (connection) => {
      await ensureStreams(connection);
      await ensureTaskConsumer(connection, { queue: 'orphaned', priority: 'low' }, 30_000);
      const letter = {
        queue: 'x',
        subject: 'x',
        original: Buffer.from('x'),
        code: 'internal',
        reason: 'x',
        attempts: 1,
        id: 'x',
      };
      await publishDeadLetter(connection, letter);
    });
    await necro(['submit', writeTask(specTask('q1', { required_skill: 'lonely' }))], stack.environment);
    await necro(['submit', writeTask(specTask('q2'))], stack.environment);
    const { registry } = stack;
    const request = taskRegistry.RegisterRunnerRequest.fromPartial({
      runnerId: runner.runnerId,
      queues: runner.queues,
      sandbox: runner.sandbox,
    });
    await call(registry.registerRunner.bind(registry), request, { deadlineMs: 5_000 });
    const { byName } = await examine();
    expect(byName.runners).toMatchObject({
      state: 'ok',
      detail: expect.stringContaining('r-1 (default; sandbox full)') as string,
    });
    expect(byName.queues?.state).toBe('warn');
    expect(byName.queues?.detail).toContain('lonely (1 waiting)');
    expect(byName.queues?.detail).toContain('orphaned (0 waiting)');
    expect(byName.queues?.detail).not.toContain('default');
    expect(byName['dead letters']).toMatchObject({ state: 'warn', detail: '1 message' });
  });

  it('[AR-12.5] shows a line for each check, in words', async () => {
    const { out } = await necro(['doctor'], stack.environment);
    expect(out).toMatch(/^ok {4}nats {12}nats-server /);
    expect(out).toMatch(/^fail {2}repo pool {7}127\.0\.0\.1:1 .*connection refused\n {22}→ /m);
  });
});

describe('what the doctor makes of what it finds', () => {
  it('[AR-14.4] is content when every queue is served', () => {
    const queues = new Map([['default', { waiting: 5, hasConsumer: true }]]);
    expect(judgeQueues(queues, [runner])).toMatchObject({ state: 'ok' });
    expect(judgeQueues(undefined, [runner])).toMatchObject({ state: 'warn' });
    expect(judgeRunners(undefined)).toMatchObject({ state: 'warn' });
  });

  it.each([
    ['git version 2.39.5 (Apple Git-154)', 'ok'],
    ['git version 2.17.1', 'warn'],
    ['nonsense', 'warn'],
  ])('[AR-2.3] judges "%s" as %s', (text, state) => expect(judgeGit(text)).toMatchObject({ state }));
});

describe('the check of the LLM endpoint', () => {
  let server: Server;
  let base: string;
  const asked: (string | undefined)[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.headers.authorization);
      const status =
        request.url === '/v1/models' ? (request.headers.authorization === 'Bearer right' ? 200 : 401) : 404;
      response.writeHead(status).end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  const check = (address: string, llmKey?: string) => checkLlm({ llm: { address, source: 'spec' }, llmKey });

  it('[AR-16.1] tells a wrong key from a missing one, without showing it', async () => {
    expect(await check(`${base}/v1`, 'right')).toMatchObject({ state: 'ok' });
    const wrong = await check(`${base}/v1/`, 'wrong-key');
    expect(wrong).toMatchObject({
      state: 'fail',
      detail: expect.stringContaining('the key was refused (401)') as string,
    });
    expect(JSON.stringify(wrong)).not.toContain('wrong-key');
    expect(await check(`${base}/v1`)).toMatchObject({
      detail: expect.stringContaining('it wants a key (401)') as string,
    });
    expect(asked).toEqual(['Bearer right', 'Bearer wrong-key', undefined]);
  });

  it('[AR-12.5] warns of an endpoint without a list of models, fails for one that is not there', async () => {
    expect(await check(base)).toMatchObject({ state: 'warn' });
    expect(await check(`http://127.0.0.1:${await freePort()}/v1`)).toMatchObject({
      state: 'fail',
      detail: expect.stringContaining('connection refused') as string,
    });
    expect(await checkLlm({ llm: undefined, llmKey: undefined })).toMatchObject({ state: 'warn' });
  });
});

describe('judgeReach', () => {
  const reach = (confined: boolean, ...hosts: string[]) =>
    judgeReach({ runner_id: 'r-1', setup_network: { confined, hosts } });

  it('[AR-10.2] says what setup reaches, and warns where that is everything', () => {
    expect(reach(true)).toMatchObject({ state: 'ok', detail: 'none' });
    expect(reach(true, 'a.example', '*.b.example')).toMatchObject({
      state: 'ok',
      detail: 'a.example, *.b.example',
    });
    expect(reach(true, 'a.example', '*')).toMatchObject({ state: 'warn', detail: 'every public host (*)' });
    expect(reach(true, '*:8443')).toMatchObject({ state: 'warn' });
    expect(reach(false, 'a.example')).toMatchObject({
      state: 'warn',
      detail: 'the whole network of its host',
    });
  });
});
