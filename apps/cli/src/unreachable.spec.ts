import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tempDir } from '@necrocode/testkit';
import { specTask, writeTask } from './spec-stack.js';
import { necro } from './spec-terminal.js';

const nowhere = {
  NECROCODE_DATA_DIR: tempDir(),
  NATS_URL: 'nats://user:hidden-word@127.0.0.1:1',
  TASK_REGISTRY_URL: '127.0.0.1:1',
};

describe('necro without the services', () => {
  it.each([
    [['list'], 'the Task Registry', 'TASK_REGISTRY_URL'],
    [['get', 'a/b'], 'the Task Registry', 'TASK_REGISTRY_URL'],
    [['watch', 'a/b'], 'the Task Registry', 'TASK_REGISTRY_URL'],
    [['cancel', '1.1'], 'the Task Registry', 'TASK_REGISTRY_URL'],
    [['submit', writeTask(specTask('u1'))], 'NATS', 'NATS_URL'],
    [['dead', 'list'], 'NATS', 'NATS_URL'],
  ])(
    '[AR-15.5] %p says in one line what does not answer, where, and what to do',
    async (words, party, variable) => {
      const ran = await necro(words, nowhere);
      expect(ran).toMatchObject({ exitCode: 1, out: '' });
      expect(ran.notes).toMatch(
        new RegExp(
          `^necro: ${party} does not answer at .*127\\.0\\.0\\.1:1 \\(from ${variable}\\): connection refused\\. .*npm run stack.*\\n$`,
        ),
      );
      expect(ran.notes).not.toContain('hidden-word');
    },
  );

  it('[AR-15.5] the doctor goes on looking when nothing answers', async () => {
    const ran = await necro(['doctor', '--json'], nowhere);
    expect(ran.exitCode).toBe(1);
    expect(ran.json()).toMatchObject({ ok: false });
  });

  it.each([[['fly']], [['get']], [['list', '--colour']], [['dead', 'requeue']]])(
    '[AR-1.2] %p is bad input',
    async (words) => expect(await necro(words, nowhere)).toMatchObject({ exitCode: 2, out: '' }),
  );
});

describe('necro and a server that accepts and stays silent', () => {
  let server: Server;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  });

  it('[AR-15.5] gives up by itself', async () => {
    const { port } = server.address() as AddressInfo;
    const silent = {
      ...nowhere,
      NATS_URL: `nats://127.0.0.1:${port}`,
      TASK_REGISTRY_URL: `127.0.0.1:${port}`,
    };
    const [list, dead] = await Promise.all([necro(['list'], silent), necro(['dead', 'list'], silent)]);
    expect(list).toMatchObject({
      exitCode: 1,
      notes: expect.stringContaining('no answer in time') as string,
    });
    expect(dead).toMatchObject({
      exitCode: 1,
      notes: expect.stringContaining('no answer in time') as string,
    });
  }, 20_000);
});
