import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync, chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { repoPool } from '@necrocode/contracts';
import { checkHealth } from '@necrocode/rpc';
import { createLogger } from '@necrocode/telemetry';
import { eventually, freePort, tempDir } from '@necrocode/testkit';
import { hostname } from 'node:os';
import { readSettings } from './settings.js';
import {
  connect,
  makeRepository,
  repoPoolContract,
  type PoolClient,
  type PoolStart,
} from './repo-pool.contract.js';
import { RepoPool } from './repo-pool.js';
import { startRepoPool } from './start-repo-pool.js';

const log = createLogger({ name: 'test', level: 'silent' });

repoPoolContract('repo-pool-mock', start);

async function start({ dataDir, slotsPerRepo, warmSlots = 2 }: PoolStart & { warmSlots?: number }) {
  const address = `127.0.0.1:${await freePort()}`;
  const settings = readSettings({
    LISTEN_ADDRESS: address,
    DATA_DIR: dataDir,
    SLOTS_PER_REPO: String(slotsPerRepo),
    WARM_SLOTS: String(warmSlots),
    GIT_ALLOWED_PROTOCOLS: 'https:file',
  });
  const running = await startRepoPool(settings, log);
  return { address, stop: () => running.close() };
}

describe('repo-pool-mock', () => {
  let root: string;
  let dataDir: string;
  let pool: Awaited<ReturnType<typeof start>>;
  let client: PoolClient;

  beforeEach(async () => {
    root = tempDir('repo-pool-');
    dataDir = join(root, 'data');
    await startPool();
  });
  afterEach(async () => {
    await stopPool();
    rmSync(root, { recursive: true, force: true });
  });
  const startPool = async (warmSlots = 2) => {
    pool = await start({ dataDir, slotsPerRepo: 4, warmSlots });
    client = connect(pool.address);
  };
  const stopPool = async () => {
    client.close();
    await pool.stop();
  };
  const available = async () => {
    const { slots } = await client.listSlots({});
    return slots.filter(({ state }) => state === repoPool.SlotState.SLOT_STATE_AVAILABLE);
  };
  const twoAvailable = () =>
    eventually('two slots are ready', async () => {
      const slots = await available();
      return slots.length === 2 ? slots : undefined;
    });

  it('[AR-12.5] answers the standard health check', async () => {
    expect(await checkHealth(pool.address, 5_000)).toBeUndefined();
  });

  it('[AR-15.2] keeps slots ready ahead and lends those first', async () => {
    const repo = makeRepository(join(root, 'origin'));
    await client.allocate({ repoUrl: repo.url });
    const ready = await twoAvailable();
    const { leaseId, directory } = await client.allocate({ repoUrl: repo.url });
    const { slots } = await client.listSlots({});
    const lent = slots.find((slot) => slot.leaseId === leaseId);
    expect(ready.map(({ slotId }) => slotId)).toContain(lent?.slotId);
    expect(directory?.commit).toBe(repo.commit);
    await twoAvailable();
  });

  it('[AR-15.2] removes at a start what no lease holds: ready slots and unknown directories', async () => {
    const repo = makeRepository(join(root, 'origin'));
    const { leaseId, directory } = await client.allocate({ repoUrl: repo.url });
    await twoAvailable();
    await stopPool();
    mkdirSync(join(dataDir, 'slots', 'unknown'));
    await startPool();
    const { slots } = await client.listSlots({});
    expect(slots.map((slot) => slot.leaseId)).toEqual([leaseId]);
    expect(readdirSync(join(dataDir, 'slots'))).toEqual([directory?.workTree.split('/').at(-2)]);
  });

  it('[AR-15.2] ends leases whose directory is gone', async () => {
    const repo = makeRepository(join(root, 'origin'));
    const lease = await client.allocate({ repoUrl: repo.url });
    await stopPool();
    rmSync(join(dataDir, 'slots'), { recursive: true });
    await startPool();
    expect((await client.listSlots({})).slots).toEqual([]);
    await expect(client.renew(lease)).rejects.toThrow(/the lease has ended/);
  });

  it('[AR-8.5] keeps three broken slots, and makes a damaged mirror anew without taking the old one from its borrowers', async () => {
    await stopPool();
    await startPool(0); // nothing reads the mirror while it is being damaged
    const repo = makeRepository(join(root, 'origin'));
    const leases = [];
    for (let n = 0; n < 4; n += 1) leases.push(await client.allocate({ repoUrl: repo.url }));
    const mirrors = join(dataDir, 'mirrors');
    const [mirror = ''] = readdirSync(mirrors);
    damageObjects(join(mirrors, mirror));
    for (const lease of leases) await client.release({ ...lease, broken: true });
    await eventually(
      'a second generation',
      () => readdirSync(mirrors).some((name) => /\.1\.git$/.test(name)) || undefined,
    );
    const next = await eventually('a slot with content', async () => {
      const lease = await client.allocate({ repoUrl: repo.url });
      if (lease.directory?.commit === repo.commit) return lease;
      await client.release(lease);
      return undefined;
    });
    expect(existsSync(join(next.directory?.workTree ?? '', 'dos.txt'))).toBe(true);
    expect(existsSync(join(mirrors, mirror))).toBe(true);
    const { slots } = await client.listSlots({});
    const broken = slots.filter(({ state }) => state === repoPool.SlotState.SLOT_STATE_BROKEN);
    expect(broken).toHaveLength(3);
    expect(leases.map(({ leaseId }) => leaseId)).toEqual(
      expect.arrayContaining(broken.map(({ leaseId }) => leaseId)),
    );
  });

  it('[AR-7.4] deletes directories that commands left without write permission', async () => {
    const repo = makeRepository(join(root, 'origin'));
    const lease = await client.allocate({ repoUrl: repo.url });
    const locked = join(lease.directory?.workTree ?? '', 'cache');
    mkdirSync(locked);
    writeFileSync(join(locked, 'file'), '');
    chmodSync(locked, 0o555);
    await client.release(lease);
    const trash = join(dataDir, 'trash');
    await eventually('the trash is empty', () => readdirSync(trash).length === 0 || undefined);
  });

  it('[AR-2.4] takes away what a process of a lost attempt wrote where its slot was', async () => {
    const slots = join(dataDir, 'slots');
    const repo = makeRepository(join(root, 'origin'));
    const { directory } = await client.allocate({ repoUrl: repo.url });
    mkdirSync(join(slots, 'gone', 'git', 'objects'), { recursive: true });
    await eventually('the directory is gone', () => !existsSync(join(slots, 'gone')) || undefined);
    expect(existsSync(directory?.workTree ?? '')).toBe(true);
  });

  it('[AR-7.4] deletes trees that are deeper than a path can be', async () => {
    const repo = makeRepository(join(root, 'origin'));
    const lease = await client.allocate({ repoUrl: repo.url });
    const dig = 'for i in $(seq 60); do mkdir "$0" && cd "$0"; done';
    execFileSync('bash', ['-c', dig, 'd'.repeat(100)], { cwd: lease.directory?.workTree });
    await client.release(lease);
    const trash = join(dataDir, 'trash');
    await eventually('the trash is empty', () => readdirSync(trash).length === 0 || undefined);
  });
});

describe('RepoPool', () => {
  it('[AR-15.4] does not hold up an allocation when the remote never answers', async () => {
    const dataDir = tempDir('repo-pool-');
    const failures: string[] = [];
    const connections: Socket[] = [];
    const silent = createServer((socket) => connections.push(socket));
    const port = await listen(silent);
    const pool = new RepoPool(
      {
        dataDir,
        host: hostname(),
        slotsPerRepo: 4,
        warmSlots: 2,
        protocols: ['https'],
        httpHosts: [`127.0.0.1:${port}`],
        mirrorTimeoutMs: 300,
        mirrorPatienceMs: 50,
      },
      createLogger({ name: 'test', write: (line) => failures.push(line) }),
    );
    const request = {
      idempotencyKey: '',
      repoUrl: `http://127.0.0.1:${port}/x.git`,
      runnerId: 'r',
      host: hostname(),
      specName: 's',
      taskId: '1',
      taskFencingToken: 0n,
      leaseSeconds: 60,
    };
    expect((await pool.allocate(request)).directory?.commit).toBe('');
    await eventually('the remote was asked', () => connections.length > 0 || undefined);
    await eventually('the failure is known', () => failures.length > 0 || undefined);
    expect((await pool.allocate(request)).directory?.commit).toBe('');
    await pool.close();
    connections.forEach((socket) => socket.destroy());
    silent.close();
    // Once: a repository that cannot be read is not asked again at once.
    expect(connections).toHaveLength(1);
    rmSync(dataDir, { recursive: true, force: true });
  });
});

/** Every object file loses its second half. */
function damageObjects(gitDir: string): void {
  const entries = readdirSync(join(gitDir, 'objects'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  if (files.length === 0) throw new Error('the mirror holds no objects');
  for (const file of files) {
    const path = join(file.parentPath, file.name);
    chmodSync(path, 0o644);
    truncateSync(path, 20);
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}
