import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { repoPool } from '@necrocode/contracts';
import { createClient, call } from '@necrocode/rpc';
import { eventually, startService, tempDir, type ServiceProcess } from '@necrocode/testkit';
import { hostname } from 'node:os';
import { makeRepository, type SampleRepository } from './repo-pool.contract.js';

jest.setTimeout(120_000);
const { SlotState } = repoPool;
const parallel = 8;

/** The real process, without warning, while eight allocations of one repository are under way. */
describe('a pool that is killed or stopped', () => {
  let service: ServiceProcess;
  let client: InstanceType<typeof repoPool.RepoPoolServiceClient>;
  let repo: SampleRepository;
  beforeEach(async () => {
    repo = largeRepository(join(tempDir('repo-pool-'), 'origin'));
    service = await startService('repo-pool-mock', {
      GIT_ALLOWED_PROTOCOLS: 'https:file',
      SLOTS_PER_REPO: String(parallel),
    });
    client = createClient(repoPool.RepoPoolServiceClient, service.address);
  });
  afterEach(async () => {
    client.close();
    await service.end();
  });

  const patient = { deadlineMs: 60_000, patienceMs: 60_000 };
  const allocate = (n: number) => {
    const request = repoPool.AllocateRequest.fromPartial({
      idempotencyKey: `attempt-${n}`,
      repoUrl: repo.url,
      runnerId: 'runner-1',
      host: hostname(),
      specName: 'spec',
      taskId: String(n),
      leaseSeconds: 60,
    });
    return call(client.allocate.bind(client), request, patient);
  };
  const slots = async () =>
    (await call(client.listSlots.bind(client), { repoUrl: '' }, patient)).slots.map((slot) => ({
      ...slot,
      directory: join(service.dataDir, 'slots', slot.slotId),
    }));
  const namesIn = (folder: string) => {
    const path = join(service.dataDir, folder);
    return existsSync(path) ? readdirSync(path) : [];
  };

  /** How far the pool has come when it is killed. */
  const moments: readonly (readonly [string, (answered: () => number) => boolean])[] = [
    ['it makes the mirror', () => namesIn('mirrors').some((name) => name.endsWith('.git'))],
    ['it makes the first slots', () => namesIn('slots').length > 0],
    ['some slots are lent and others are being made', (answered) => answered() > 0],
  ];

  it.each(moments)(
    '[AR-14.3] killed while %s, lends each task one whole slot after its restart, and keeps nothing else',
    async (_when, reached) => {
      let answered = 0;
      const allocations = Array.from({ length: parallel }, async (_, n) => {
        const lease = await allocate(n);
        answered += 1;
        return lease;
      });
      await eventually('the moment has come', () => reached(() => answered) || undefined);
      await service.end('SIGKILL');
      await service.start();
      const leases = await Promise.all(allocations);
      expect(new Set(leases.map(({ directory }) => directory?.workTree)).size).toBe(parallel);
      for (const { directory } of leases) {
        const { workTree = '', gitDir = '', commit } = directory ?? {};
        expect(commit).toBe(repo.commit);
        const git = [`--git-dir=${gitDir}`, `--work-tree=${workTree}`, 'status', '--porcelain'];
        expect(execFileSync('git', git).toString()).toBe('');
      }
      const lent = (await slots()).filter(({ state }) => state === SlotState.SLOT_STATE_ALLOCATED);
      expect(lent.map(({ leaseId }) => leaseId).sort()).toEqual(leases.map(({ leaseId }) => leaseId).sort());
      for (const { leaseId, fencingToken } of leases) {
        const request = repoPool.ReleaseRequest.fromPartial({ leaseId, fencingToken });
        await call(client.release.bind(client), request, patient);
      }
      // What is left is what the book knows: slots that wait ready.
      await eventually('disk and book agree, and the trash is empty', async () => {
        const known = await slots();
        const settled = known.every(({ state }) => state === SlotState.SLOT_STATE_AVAILABLE);
        const same = namesIn('slots').length === known.length && namesIn('trash').length === 0;
        return (settled && same) || undefined;
      });
    },
  );

  it('[AR-14.3] stopped for longer than its leases, takes nothing from their holders', async () => {
    const lease = await allocate(0);
    const renew = (leaseSeconds: number) => {
      const { leaseId, fencingToken } = lease;
      const request = repoPool.RenewRequest.fromPartial({ leaseId, fencingToken, leaseSeconds });
      return call(client.renew.bind(client), request, patient);
    };
    const end = (await renew(2)).expiresAt?.getTime() ?? Infinity;
    process.kill(service.pid, 'SIGSTOP');
    await eventually('the lease is long past its end', () => Date.now() > end + 3_000 || undefined);
    process.kill(service.pid, 'SIGCONT');
    await renew(60);
    expect(existsSync(lease.directory?.workTree ?? '')).toBe(true);
  });
});

/** Enough files for a checkout to be interrupted. */
function largeRepository(path: string): SampleRepository {
  const repo = makeRepository(path);
  mkdirSync(join(path, 'many'));
  for (let n = 0; n < 2_000; n += 1) writeFileSync(join(path, 'many', `file-${n}`), `${n}\n`.repeat(50));
  return { ...repo, commit: repo.commitFile('last', 'last\n') };
}
