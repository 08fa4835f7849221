import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { repoPool } from '@necrocode/contracts';
import { call, createClient, status } from '@necrocode/rpc';
import { eventually, tempDir } from '@necrocode/testkit';

export interface PoolUnderTest {
  /** `host:port` of a pool that lends directories of this machine and reads file URLs. */
  readonly address: string;
  stop(): Promise<void>;
}

export interface PoolStart {
  /** Where the pool keeps its state; given again for a restart. */
  readonly dataDir: string;
  readonly slotsPerRepo: number;
}

/** What every Repo Pool does, whoever made it. */
export function repoPoolContract(name: string, start: (options: PoolStart) => Promise<PoolUnderTest>): void {
  describe(`${name} as a Repo Pool`, () => {
    let root: string;
    let dataDir: string;
    let pool: PoolUnderTest;
    let client: PoolClient;
    let repo: SampleRepository;

    const startPool = async (slotsPerRepo = 32) => {
      pool = await start({ dataDir, slotsPerRepo });
      client = connect(pool.address);
    };
    const stopPool = async () => {
      client.close();
      await pool.stop();
    };

    beforeEach(async () => {
      root = tempDir('repo-pool-');
      dataDir = join(root, 'data');
      repo = makeRepository(join(root, 'origin'));
      await startPool();
    });
    afterEach(async () => {
      await stopPool();
      rmSync(root, { recursive: true, force: true });
    });

    it('[AR-2.1] lends a tree with exactly the committed bytes and no .git of any kind', async () => {
      const { directory } = await client.allocate({ repoUrl: repo.url });
      const { workTree, gitDir, commit } = directory ?? noDirectory();
      expect(commit).toBe(repo.commit);
      for (const [path, content] of Object.entries(sampleFiles)) {
        expect([path, readFileSync(join(workTree, path), 'utf8')]).toEqual([path, content]);
      }
      expect(statSync(join(workTree, 'run.sh')).mode & 0o111).not.toBe(0);
      expect((await lstat(join(workTree, 'link'))).isSymbolicLink()).toBe(true);
      expect(await readlink(join(workTree, 'link'))).toBe('dos.txt');
      expect(await readdir(workTree)).not.toContain('.git');
      expect(gitDir.startsWith(`${workTree}/`)).toBe(false);
      expect(git(gitDir, workTree, 'status', '--porcelain', '--ignored')).toBe('');
    });

    it('[AR-2.1] takes an absolute path and its file URL for the same repository', async () => {
      await client.allocate({ repoUrl: repo.path });
      await client.allocate({ repoUrl: repo.url });
      const { slots } = await client.listSlots({ repoUrl: repo.url });
      const lent = slots.filter(({ state }) => state === repoPool.SlotState.SLOT_STATE_ALLOCATED);
      expect(lent).toHaveLength(2);
    });

    it('[AR-14.2] lends two leases two directories, and tells who has them', async () => {
      const first = await client.allocate({ repoUrl: repo.url, runnerId: 'runner-1', taskId: '1' });
      const second = await client.allocate({ repoUrl: repo.url, runnerId: 'runner-2', taskId: '2' });
      expect(first.directory?.workTree).not.toBe(second.directory?.workTree);
      expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
      const { slots } = await client.listSlots({});
      expect(slots.find(({ leaseId }) => leaseId === second.leaseId)).toMatchObject({
        runnerId: 'runner-2',
        taskId: '2',
        specName: 'spec',
        repoUrl: repo.url,
        expiresAt: second.expiresAt,
        state: repoPool.SlotState.SLOT_STATE_ALLOCATED,
      });
    });

    it('[AR-14.2] lends sixteen slots of a repository that it never saw at the same time', async () => {
      const answers = await Promise.all(
        Array.from({ length: 16 }, (_, n) => client.allocate({ repoUrl: repo.url, taskId: String(n) })),
      );
      expect(new Set(answers.map(({ directory }) => directory?.workTree)).size).toBe(16);
      expect(new Set(answers.map(({ fencingToken }) => fencingToken)).size).toBe(16);
      for (const { directory } of answers) {
        const { workTree, gitDir, commit } = directory ?? noDirectory();
        expect(commit).toBe(repo.commit);
        expect(git(gitDir, workTree, 'status', '--porcelain')).toBe('');
      }
    });

    it('[AR-15.2] answers a repeated call with the same lease, also while the first is under way', async () => {
      const ask = () => client.allocate({ repoUrl: repo.url, idempotencyKey: 'attempt-1' });
      const [first, meanwhile] = await Promise.all([ask(), ask()]);
      const later = await ask();
      expect(meanwhile).toEqual(first);
      expect(later).toEqual(first);
      const { slots } = await client.listSlots({});
      expect(slots.filter(({ leaseId }) => leaseId !== '')).toHaveLength(1);
    });

    it('[AR-7.4] deletes the directory of a released slot, and lets a release be repeated', async () => {
      const { leaseId, fencingToken, directory } = await client.allocate({ repoUrl: repo.url });
      const { workTree, gitDir } = directory ?? noDirectory();
      writeFileSync(join(workTree, 'leftover'), 'x');
      await client.release({ leaseId, fencingToken });
      expect([existsSync(workTree), existsSync(gitDir)]).toEqual([false, false]);
      await client.release({ leaseId, fencingToken });
      const next = await client.allocate({ repoUrl: repo.url });
      expect(next.directory?.workTree).not.toBe(workTree);
      expect(existsSync(join(next.directory?.workTree ?? '', 'leftover'))).toBe(false);
    });

    it('[AR-8.5] refuses with RESOURCE_EXHAUSTED when all slots are lent, and lends again after a release', async () => {
      await stopPool();
      await startPool(2);
      const key = { repoUrl: repo.url, idempotencyKey: 'first' };
      const results = await Promise.allSettled([
        client.allocate(key),
        client.allocate({ repoUrl: repo.url }),
        client.allocate({ repoUrl: repo.url }),
      ]);
      const refused = results.filter((result) => result.status === 'rejected');
      expect(refused.map(({ reason }) => (reason as { code: number }).code)).toEqual([
        status.RESOURCE_EXHAUSTED,
      ]);
      const first = await client.allocate(key);
      await client.release(first);
      await expect(client.allocate({ repoUrl: repo.url })).resolves.toHaveProperty(
        'directory.commit',
        repo.commit,
      );
    });

    it('[AR-14.3] renews a lease for its own token only', async () => {
      const lease = await client.allocate({ repoUrl: repo.url, leaseSeconds: 10 });
      const { expiresAt } = await client.renew({ ...lease, leaseSeconds: 600 });
      expect(expiresAt?.getTime()).toBeGreaterThan(lease.expiresAt?.getTime() ?? Infinity);
      const stale = { ...lease, fencingToken: lease.fencingToken - 1n };
      await expect(client.renew(stale)).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
      await expect(client.release(stale)).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
      await client.release(lease);
      await expect(client.renew(lease)).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
    });

    it.each(['renew', 'release'] as const)(
      "[AR-14.3] refuses to %s under any token but the lease's own, or a lease that it does not know",
      async (method) => {
        const lease = await client.allocate({ repoUrl: repo.url });
        const refused = { code: status.FAILED_PRECONDITION };
        for (const fencingToken of [0n, lease.fencingToken - 1n, lease.fencingToken + 1n]) {
          await expect(client[method]({ ...lease, fencingToken })).rejects.toMatchObject(refused);
        }
        await expect(client[method]({ ...lease, leaseId: 'unknown' })).rejects.toMatchObject(refused);
        const { slots } = await client.listSlots({});
        expect(slots.find(({ leaseId }) => leaseId === lease.leaseId)).toMatchObject({
          state: repoPool.SlotState.SLOT_STATE_ALLOCATED,
          expiresAt: lease.expiresAt,
        });
        await client[method](lease);
      },
    );

    it('[AR-15.4] answers each repeated call as the first one, also after a restart', async () => {
      const renewed = await client.allocate({ repoUrl: repo.url });
      const released = await client.allocate({ repoUrl: repo.url });
      const repeat = () =>
        Promise.all([
          client.allocate({ repoUrl: repo.url, idempotencyKey: 'once' }),
          client.renew({ ...renewed, idempotencyKey: 'once', leaseSeconds: 300 }),
          client.release({ ...released, idempotencyKey: 'once' }),
        ]);
      const first = await repeat();
      expect(await repeat()).toEqual(first);
      await stopPool();
      await startPool();
      expect(await repeat()).toEqual(first);
      const { slots } = await client.listSlots({});
      expect(
        slots
          .map(({ leaseId }) => leaseId)
          .filter((id) => id !== '')
          .sort(),
      ).toEqual([first[0].leaseId, renewed.leaseId].sort());
    });

    it('[AR-14.3] gives holders time to come back after the pool itself was away', async () => {
      const lease = await client.allocate({ repoUrl: repo.url, leaseSeconds: 2 });
      // Past that the pool cannot take anything back: it is gone.
      await stopPool();
      await eventually('the lease is past its end', () =>
        Date.now() > (lease.expiresAt?.getTime() ?? Infinity) ? true : undefined,
      );
      await startPool();
      await expect(client.renew(lease)).resolves.toHaveProperty('expiresAt');
      expect(existsSync(lease.directory?.workTree ?? '')).toBe(true);
    });

    it('[AR-14.3] refuses an attempt that has been overtaken by another one of its task', async () => {
      await client.allocate({ repoUrl: repo.url, taskFencingToken: 8n });
      const overtaken = client.allocate({ repoUrl: repo.url, taskFencingToken: 7n });
      await expect(overtaken).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
      const otherTask = client.allocate({ repoUrl: repo.url, taskId: 'other', taskFencingToken: 7n });
      await expect(otherTask).resolves.toHaveProperty('leaseId');
    });

    it('[AR-14.3] takes back the slot of a lease that was not renewed', async () => {
      const lease = await client.allocate({ repoUrl: repo.url, leaseSeconds: 1 });
      await eventually(
        'the directory is gone',
        () => !existsSync(lease.directory?.workTree ?? '/') || undefined,
      );
      await expect(client.renew(lease)).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
      const { slots } = await client.listSlots({});
      const lent = slots.filter(({ state }) => state === repoPool.SlotState.SLOT_STATE_ALLOCATED);
      expect(lent).toEqual([]);
    });

    it('[AR-15.2] keeps leases over a restart, with tokens that go on growing', async () => {
      const kept = await client.allocate({ repoUrl: repo.url, idempotencyKey: 'kept' });
      const ended = await client.allocate({ repoUrl: repo.url });
      await client.release(ended);
      await stopPool();
      await startPool();
      expect(readFileSync(join(kept.directory?.workTree ?? '', 'dos.txt'), 'utf8')).toBe(
        sampleFiles['dos.txt'],
      );
      await expect(client.renew(kept)).resolves.toHaveProperty('expiresAt');
      expect(await client.allocate({ repoUrl: repo.url, idempotencyKey: 'kept' })).toEqual(kept);
      const next = await client.allocate({ repoUrl: repo.url });
      expect(next.fencingToken).toBeGreaterThan(ended.fencingToken);
    });

    it('[AR-15.2] lends what the repository holds now, also when it has moved on', async () => {
      await client.release(await client.allocate({ repoUrl: repo.url }));
      const tip = repo.commitFile('new.txt', 'new\n');
      await stopPool();
      await startPool();
      const { directory } = await client.allocate({ repoUrl: repo.url });
      expect(directory?.commit).toBe(tip);
    });

    it.each([
      ['does not exist', (root: string) => `file://${root}/nowhere`],
      ['speaks a protocol that is not allowed', () => 'git://example.org/x.git'],
      ['is no address at all', () => 'nonsense'],
    ])('[AR-15.2] lends an empty slot for a repository that %s', async (_what, urlIn) => {
      const { directory, leaseId, fencingToken } = await client.allocate({ repoUrl: urlIn(root) });
      const { workTree, gitDir, commit } = directory ?? noDirectory();
      expect(commit).toBe('');
      expect(await readdir(workTree)).toEqual([]);
      expect(git(gitDir, workTree, 'status', '--porcelain')).toBe('');
      await client.release({ leaseId, fencingToken });
    });

    it('[AR-15.2] lends an empty slot for a repository without any commit', async () => {
      const path = join(root, 'unborn.git');
      execFileSync('git', ['init', '-q', '--bare', path]);
      const { directory } = await client.allocate({ repoUrl: `file://${path}` });
      expect(directory?.commit).toBe('');
    });

    it('[AR-14.1] gives a runner on another host a seed instead of a directory', async () => {
      const answer = await client.allocate({ repoUrl: repo.url, host: 'elsewhere' });
      expect(answer.directory).toBeUndefined();
      expect(answer.seed).toEqual({ mirrorUrl: repo.url, tip: repo.commit });
      await client.release(answer);
    });

    it('[AR-8.5] puts a broken slot into quarantine and goes on lending', async () => {
      const lease = await client.allocate({ repoUrl: repo.url });
      await client.release({ ...lease, broken: true });
      const { slots } = await client.listSlots({ repoUrl: repo.url });
      expect(slots.find(({ leaseId }) => leaseId === lease.leaseId)).toMatchObject({
        state: repoPool.SlotState.SLOT_STATE_BROKEN,
      });
      const next = await client.allocate({ repoUrl: repo.url });
      expect(next.directory?.commit).toBe(repo.commit);
    });

    it.each([
      ['repoUrl', { repoUrl: 'https://user:secret@example.org/x.git' }],
      ['repoUrl', { repoUrl: '--upload-pack=x' }],
      ['specName', { specName: '../x' }],
      ['taskId', { taskId: '' }],
      ['runnerId', { runnerId: '' }],
    ])('[AR-15.2] names %s when it is wrong', async (field, wrong) => {
      await expect(client.allocate({ repoUrl: repo.url, ...wrong })).rejects.toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: expect.stringContaining(field) as string,
      });
    });
  });
}

export type PoolClient = ReturnType<typeof connect>;

/** A client whose requests have sensible defaults and which never tries twice. */
export function connect(address: string) {
  const client = createClient(repoPool.RepoPoolServiceClient, address);
  const options = { deadlineMs: 30_000, retries: 0 };
  return {
    allocate: (request: Partial<repoPool.AllocateRequest>) =>
      call(client.allocate.bind(client), { ...allocateDefaults, ...request }, options),
    renew: (request: Partial<repoPool.RenewRequest>) =>
      call(
        client.renew.bind(client),
        repoPool.RenewRequest.fromPartial({ leaseSeconds: 60, ...request }),
        options,
      ),
    release: (request: Partial<repoPool.ReleaseRequest>) =>
      call(client.release.bind(client), repoPool.ReleaseRequest.fromPartial(request), options),
    listSlots: ({ repoUrl = '' }: Partial<repoPool.ListSlotsRequest>) =>
      call(client.listSlots.bind(client), { repoUrl }, options),
    close: () => client.close(),
  };
}

const allocateDefaults: repoPool.AllocateRequest = {
  idempotencyKey: '',
  repoUrl: '',
  runnerId: 'runner',
  host: hostname(),
  specName: 'spec',
  taskId: '1.1',
  taskFencingToken: 0n,
  leaseSeconds: 60,
};

export interface SampleRepository {
  readonly path: string;
  readonly url: string;
  readonly commit: string;
  /** Commits one more file and returns the new tip. */
  commitFile(name: string, content: string): string;
}

/** Bytes that git likes to change on checkout, and names that need care. */
const sampleFiles: Record<string, string> = {
  '.gitattributes':
    '*.txt text eol=crlf\n*.id ident\n*.lfs filter=lfs\n*.u16 working-tree-encoding=UTF-16\n*.s export-subst\n',
  'dos.txt': 'a\r\nb\r\n',
  'unix.txt': 'a\nb\n',
  'keyword.id': '$Id$\n',
  'pointer.lfs': 'version https://git-lfs.github.com/spec/v1\n',
  'wide.u16': 'ü\n',
  'subst.s': '$Format:%H$\n',
  'odd "name"\\ ü\n': 'odd\n',
  'dir/UPPER': '1\n',
  'dir/upper': '2\n',
};

/** A real repository with a branch `trunk` that HEAD names, and one more. */
export function makeRepository(path: string): SampleRepository {
  mkdirSync(path, { recursive: true });
  const inside = (...args: string[]) =>
    execFileSync('git', ['-C', path, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
      stdio: 'pipe',
    })
      .toString()
      .trim();
  const commitAll = (message: string) => {
    inside('add', '-A');
    inside('commit', '-q', '-m', message);
    return inside('rev-parse', 'HEAD');
  };
  inside('init', '-q', '-b', 'trunk');
  writeFileSync(
    join(path, '.git', 'info', 'attributes'),
    '* -text -ident -filter !eol !working-tree-encoding\n',
  );
  for (const [name, content] of Object.entries(sampleFiles)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  writeFileSync(join(path, 'run.sh'), '#!/bin/sh\n');
  chmodSync(join(path, 'run.sh'), 0o755);
  symlinkSync('dos.txt', join(path, 'link'));
  const commit = commitAll('first');
  inside('branch', 'a-branch-that-sorts-first');
  const commitFile = (name: string, content: string) => {
    writeFileSync(join(path, name), content);
    return commitAll(name);
  };
  return { path, url: `file://${path}`, commit, commitFile };
}

function git(gitDir: string, workTree: string, ...args: string[]): string {
  return execFileSync('git', [`--git-dir=${gitDir}`, `--work-tree=${workTree}`, ...args], {
    stdio: 'pipe',
  }).toString();
}

function noDirectory(): never {
  throw new Error('the pool answered without a directory');
}
