import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { artifactStore, keyOf, repoPool } from '@necrocode/contracts';
import { call, createClient, status } from '@necrocode/rpc';
import { createArtifactStoreClient } from './artifact-store.client.js';
import { createRepoPoolClient } from './repo-pool.client.js';
import { startFaulty, specTask, type FaultyService } from './spec-services.js';

const task = specTask('w');
const lease = { key: keyOf(task), fencingToken: 7n, run: 1, attempt: 1 };
const options = { deadlineMs: 5_000, patienceMs: 20_000 };

describe('the repo pool, seen from a runner', () => {
  let service: FaultyService;
  let raw: InstanceType<typeof repoPool.RepoPoolServiceClient>;
  beforeAll(async () => {
    service = await startFaulty('repo-pool-mock', { SLOTS_PER_REPO: '1', WARM_SLOTS: '0' });
    raw = createClient(repoPool.RepoPoolServiceClient, service.address);
  }, 60_000);
  afterAll(async () => {
    raw.close();
    await service.end();
  });
  afterEach(() => service.setFaults());

  const open = (slotWaitSeconds: number) =>
    createRepoPoolClient(
      service.endpoint,
      { runnerId: 'r', leaseSeconds: 60, slotWaitSeconds },
      {
        make: () => Promise.reject(new Error('no seed is expected')),
        remove: () => Promise.resolve(),
      },
    );
  // A repository that may not be read: its slots are empty, and made at once.
  const url = 'git://git.example/x.git';
  const lent = async () => {
    const { slots } = await call(raw.listSlots.bind(raw), { repoUrl: '' }, options);
    return slots.filter(({ state }) => state === repoPool.SlotState.SLOT_STATE_ALLOCATED).length;
  };
  const signal = new AbortController().signal;

  it('[AR-15.4] borrows one slot although the reply is lost, and gives it back once', async () => {
    const pool = open(60);
    await service.setFaults({ method: 'Allocate', dropReply: true, count: 2 });
    const slot = await pool.allocate(lease, url, signal);
    expect(await lent()).toBe(1);
    await service.setFaults({ method: 'Release', dropReply: true, count: 2 });
    await pool.release(slot, { broken: false });
    expect(await lent()).toBe(0);
    pool.close();
  });

  it('[AR-8.5] waits for an exhausted pool, also when that dies meanwhile', async () => {
    const pool = open(60);
    const first = await pool.allocate(lease, url, signal);
    const waiting = pool.allocate(lease, url, signal);
    await service.end('SIGKILL');
    await service.start();
    expect(await lent()).toBe(1);
    await pool.release(first, { broken: false });
    const second = await waiting;
    expect(second.workTree).not.toBe(first.workTree);
    await pool.release(second, { broken: false });
    expect(await lent()).toBe(0);
    pool.close();
  }, 60_000);

  it('[AR-8.5] gives up with no_slot past its limit, and at once when the work is ended', async () => {
    const pool = open(1);
    const first = await pool.allocate(lease, url, signal);
    await expect(pool.allocate(lease, url, signal)).rejects.toMatchObject({ code: 'no_slot' });
    pool.close();
    const patient = open(3_600);
    const ending = new AbortController();
    const waiting = patient.allocate(lease, url, ending.signal);
    ending.abort();
    await expect(waiting).rejects.toThrow();
    await patient.release(first, { broken: false });
    patient.close();
  });
});

describe('the artifact store, seen from a runner', () => {
  let service: FaultyService;
  let raw: InstanceType<typeof artifactStore.ArtifactStoreServiceClient>;
  beforeAll(async () => {
    service = await startFaulty('artifact-store-mock');
    raw = createClient(artifactStore.ArtifactStoreServiceClient, service.address);
  }, 60_000);
  afterAll(async () => {
    raw.close();
    await service.end();
  });
  afterEach(() => service.setFaults());

  const content = Buffer.alloc(700_000, 'x');
  const bundle = { type: 'commit_bundle', name: 'commit.bundle', mediaType: '', content } as const;

  it('[AR-15.4] stores an artifact once although the reply is lost', async () => {
    const store = createArtifactStoreClient(service.endpoint);
    await service.setFaults({ method: 'Upload', dropReply: true, count: 2 });
    const { uri } = await store.upload(lease, bundle);
    const filter = {
      specName: '',
      taskId: '',
      type: '',
      pageSize: 0,
      pageToken: '',
      run: 0,
      fencingToken: 0n,
    };
    const { artifacts } = await call(raw.listArtifacts.bind(raw), filter, options);
    expect(artifacts.map((artifact) => artifact.uri)).toEqual([uri]);
    // Under another key it would have been stored anew each time, and looked the same.
    const db = new DatabaseSync(join(service.dataDir, 'artifact-store.db'), { readOnly: true });
    expect(db.prepare(`SELECT count(*) AS uploads FROM idempotency`).get()).toEqual({ uploads: 1 });
    db.close();
    expect((await store.download(uri)).equals(content)).toBe(true);
    store.close();
  });

  it('[AR-15.4] waits for a store that was killed, and downloads whole', async () => {
    const store = createArtifactStoreClient(service.endpoint);
    const { uri } = await store.upload(lease, bundle);
    await service.end('SIGKILL');
    const uploading = store.upload(lease, { ...bundle, name: 'second.bundle' });
    const downloading = store.download(uri);
    await service.start();
    expect((await uploading).uri).toContain('second.bundle');
    expect((await downloading).equals(content)).toBe(true);
    store.close();
  }, 60_000);

  it('[AR-8.2] lists what a run has of a type, and nothing of other runs', async () => {
    const store = createArtifactStoreClient(service.endpoint);
    const inRun = { ...lease, run: 7 };
    const answer = { type: 'llm_answer', mediaType: '', content: Buffer.from('{}') } as const;
    for (const name of ['answer-1.json', 'answer-2.json']) await store.upload(inRun, { ...answer, name });
    await store.upload({ ...lease, run: 8 }, { ...answer, name: 'answer-3.json' });
    await store.upload(inRun, bundle);
    const listed = await store.list(inRun, 'llm_answer');
    expect(listed.map(({ name }) => name)).toEqual(['answer-1.json', 'answer-2.json']);
    expect((await store.download(listed[0]?.uri ?? '')).toString()).toBe('{}');
    store.close();
  });

  it('[AR-14.3] takes a refused upload for what it is: the lease is lost', async () => {
    const store = createArtifactStoreClient(service.endpoint);
    await store.upload({ ...lease, fencingToken: 9n }, bundle);
    await expect(store.upload({ ...lease, fencingToken: 8n }, bundle)).rejects.toMatchObject({
      code: 'lease_lost',
    });
    await service.setFaults({ statusCode: status.INTERNAL });
    await expect(store.download('artifact://a/b/1/log/c')).rejects.toMatchObject({
      code: 'artifact_store_unavailable',
    });
    store.close();
  });
});
