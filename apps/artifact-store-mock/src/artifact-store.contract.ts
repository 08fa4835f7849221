import { createHash, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { artifactStore as wire } from '@necrocode/contracts';
import { call, createClient, status } from '@necrocode/rpc';
import { tempDir } from '@necrocode/testkit';

export interface StoreUnderTest {
  /** `host:port` */
  readonly address: string;
  stop(): Promise<void>;
}

export interface StoreStart {
  /** Where the store keeps its state; given again for a restart. */
  readonly dataDir: string;
  readonly maxArtifactBytes: number;
}

/** What every Artifact Store does, whoever made it. */
export function artifactStoreContract(
  name: string,
  start: (options: StoreStart) => Promise<StoreUnderTest>,
): void {
  describe(`${name} as an Artifact Store`, () => {
    let root: string;
    let store: StoreUnderTest;
    let client: StoreClient;

    const startStore = async () => {
      store = await start({ dataDir: join(root, 'data'), maxArtifactBytes: 8 * 1024 * 1024 });
      client = connect(store.address);
    };
    const stopStore = async () => {
      client.close();
      await store.stop();
    };
    beforeEach(async () => {
      root = tempDir('artifact-store-');
      await startStore();
    });
    afterEach(async () => {
      await stopStore();
      rmSync(root, { recursive: true, force: true });
    });

    it('[AR-6.1] gives back the bytes that were stored, and says what it knows about them', async () => {
      const content = randomBytes(5 * 1024 * 1024);
      const stored = await client.upload(content, {
        type: 'diff',
        name: 'change.diff',
        mediaType: 'text/x-diff',
        metadata: { round: '2' },
      });
      expect(stored).toMatchObject({
        uri: 'artifact://spec/1.1/1/diff/change.diff',
        sizeBytes: BigInt(content.length),
        sha256: sha256(content),
        mediaType: 'text/x-diff',
        metadata: { round: '2' },
      });
      const back = await client.download(stored.uri);
      expect(back.artifact).toEqual(stored);
      expect(sha256(back.content)).toBe(sha256(content));
      expect(back.largestChunk).toBeLessThanOrEqual(256 * 1024);
    });

    it('[AR-6.2] stores empty content', async () => {
      const { uri } = await client.upload(Buffer.alloc(0));
      expect((await client.download(uri)).content).toHaveLength(0);
    });

    it('[AR-6.1] keeps each type for its time', async () => {
      const days: Record<string, number> = {};
      for (const type of ['diff', 'test_result', 'log', 'transcript', 'commit_bundle', 'llm_answer']) {
        const { createdAt, expiresAt } = await client.upload(Buffer.from(type), { type });
        days[type] = ((expiresAt?.getTime() ?? 0) - (createdAt?.getTime() ?? 0)) / (24 * 60 * 60 * 1000);
      }
      expect(days).toEqual({
        diff: 30,
        test_result: 14,
        log: 7,
        transcript: 30,
        commit_bundle: 30,
        llm_answer: 14,
      });
    });

    it.each([
      ['digest', { sha256: sha256(Buffer.from('something else')) }],
      ['size, too short', { sizeBytes: 100n }],
      ['size, too long', { sizeBytes: 2n }],
    ])('[AR-6.1] refuses content that differs from what was announced: %s', async (_what, wrong) => {
      await expect(client.upload(Buffer.from('content'), wrong)).rejects.toMatchObject({
        code: status.DATA_LOSS,
      });
      expect((await client.list({})).artifacts).toEqual([]);
    });

    it.each([
      ['specName', { specName: 'a/b' }],
      ['taskId', { taskId: '..' }],
      ['run', { run: 0 }],
      ['type', { type: 'secrets' }],
      ['name', { name: '../escape' }],
      ['name', { name: '' }],
      ['sha256', { sha256: 'ABC' }],
      ['sizeBytes', { sizeBytes: 9n * 1024n * 1024n }],
    ])('[AR-15.3] names %s when it is wrong', async (field, wrong) => {
      await expect(client.upload(Buffer.from('x'), wrong)).rejects.toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: expect.stringContaining(field) as string,
      });
    });

    it('[AR-15.3] replaces an artifact of the same name', async () => {
      const { uri } = await client.upload(Buffer.from('first'));
      await client.upload(Buffer.from('second'));
      expect((await client.download(uri)).content.toString()).toBe('second');
      expect((await client.list({})).artifacts).toHaveLength(1);
    });

    it('[AR-15.3] refuses an attempt that has been overtaken, for that run only', async () => {
      await client.upload(Buffer.from('new'), { fencingToken: 8n });
      const stale = client.upload(Buffer.from('old'), { fencingToken: 7n });
      await expect(stale).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
      await expect(client.upload(Buffer.from('old'), { fencingToken: 7n, run: 2 })).resolves.toHaveProperty(
        'uri',
      );
      await expect(client.upload(Buffer.from('newer'), { fencingToken: 8n })).resolves.toHaveProperty('uri');
    });

    it('[AR-15.3] refuses the overtaken attempt also after a restart, and a token of 0', async () => {
      const { uri } = await client.upload(Buffer.from('new'), { fencingToken: 8n });
      await stopStore();
      await startStore();
      for (const fencingToken of [7n, 0n]) {
        await expect(client.upload(Buffer.from('old'), { fencingToken })).rejects.toMatchObject({
          code: status.FAILED_PRECONDITION,
        });
      }
      expect((await client.download(uri)).content.toString()).toBe('new');
    });

    it('[AR-6.5] answers each repeated call as the first one, also after a restart', async () => {
      const gone = await client.upload(Buffer.from('gone'), { name: 'gone' });
      const repeat = async () => ({
        uploaded: await client.upload(Buffer.from('x'), { idempotencyKey: 'once' }),
        deleted: await client.delete(gone.uri, 'once'),
      });
      const first = await repeat();
      expect(await repeat()).toEqual(first);
      await stopStore();
      await startStore();
      expect(await repeat()).toEqual(first);
      expect((await client.list({})).artifacts).toEqual([first.uploaded]);
    });

    it('[AR-15.3] deletes an artifact, but not the content that another one shares', async () => {
      const one = await client.upload(Buffer.from('shared'), { name: 'one' });
      const two = await client.upload(Buffer.from('shared'), { name: 'two' });
      await client.delete(one.uri);
      await expect(client.download(one.uri)).rejects.toMatchObject({ code: status.NOT_FOUND });
      await expect(client.delete(one.uri)).rejects.toMatchObject({ code: status.NOT_FOUND });
      expect((await client.download(two.uri)).content.toString()).toBe('shared');
    });

    it('[AR-15.3] lists by spec, task and type, page by page, each artifact once', async () => {
      for (let n = 0; n < 7; n += 1) await client.upload(Buffer.from(`${n}`), { name: `log-${n}` });
      await client.upload(Buffer.from('other task'), { taskId: '2', type: 'diff' });
      await client.upload(Buffer.from('other spec'), { specName: 'other' });
      const names: string[] = [];
      let pageToken = '';
      let pages = 0;
      do {
        const page = await client.list({ specName: 'spec', taskId: '1.1', pageSize: 3, pageToken });
        names.push(...page.artifacts.map((artifact) => artifact.name));
        pageToken = page.nextPageToken;
        pages += 1;
      } while (pageToken !== '');
      expect(names).toEqual(['log-0', 'log-1', 'log-2', 'log-3', 'log-4', 'log-5', 'log-6']);
      expect(pages).toBe(3);
      expect((await client.list({ type: 'diff' })).artifacts.map(({ taskId }) => taskId)).toEqual(['2']);
      await expect(client.list({ pageToken: 'nonsense' })).rejects.toMatchObject({
        code: status.INVALID_ARGUMENT,
      });
    });

    it('[AR-15.3] tells how much it holds, by type', async () => {
      await client.upload(Buffer.alloc(10), { type: 'log' });
      await client.upload(Buffer.alloc(20), { type: 'diff' });
      await client.upload(Buffer.alloc(30), { type: 'diff', name: 'second' });
      expect(await client.usage()).toEqual({
        artifacts: 3n,
        sizeBytes: 60n,
        sizeBytesByType: { log: 10n, diff: 50n },
      });
    });

    it('[AR-14.3] lists what a run has, and shuts out whoever held it before', async () => {
      const of = { specName: 'spec', taskId: '1.1', run: 3, type: 'llm_answer' };
      const { uri } = await client.upload(Buffer.from('first'), {
        ...of,
        name: 'answer-1.json',
        fencingToken: 5n,
      });
      await client.upload(Buffer.from('other'), { ...of, run: 4, name: 'answer-1.json', fencingToken: 9n });
      const { artifacts } = await client.list({ ...of, fencingToken: 6n });
      expect(artifacts.map((artifact) => artifact.uri)).toEqual([uri]);
      const late = client.upload(Buffer.from('late'), { ...of, name: 'answer-2.json', fencingToken: 5n });
      await expect(late).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
      const stale = client.list({ ...of, fencingToken: 5n });
      await expect(stale).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
      expect((await client.list(of)).artifacts).toHaveLength(1);
    });

    it('[AR-15.3] holds everything over a restart', async () => {
      const { uri } = await client.upload(Buffer.from('kept'), { fencingToken: 5n });
      await stopStore();
      await startStore();
      expect((await client.download(uri)).content.toString()).toBe('kept');
      const stale = client.upload(Buffer.from('old'), { fencingToken: 4n });
      await expect(stale).rejects.toMatchObject({ code: status.FAILED_PRECONDITION });
    });

    it.each(['artifact://spec/1.1/1/log', 'file:///etc/passwd', ''])(
      '[AR-15.3] refuses to download %p, which is no artifact URI',
      async (uri) => {
        await expect(client.download(uri)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
      },
    );
  });
}

export type StoreClient = ReturnType<typeof connect>;

/** A client whose requests have sensible defaults and which never tries twice. */
export function connect(address: string) {
  const client = createClient(wire.ArtifactStoreServiceClient, address);
  const options = { deadlineMs: 30_000, retries: 0 };
  return {
    upload: (content: Buffer, header: Partial<wire.UploadHeader> = {}) => upload(client, content, header),
    download: (uri: string) => download(client, uri),
    list: (request: Partial<wire.ListArtifactsRequest>) =>
      call(client.listArtifacts.bind(client), { ...everything, ...request }, options),
    delete: (uri: string, idempotencyKey = '') =>
      call(client.deleteArtifact.bind(client), { idempotencyKey, uri }, options),
    usage: () => call(client.getUsage.bind(client), {}, options),
    close: () => client.close(),
  };
}

const everything = {
  specName: '',
  taskId: '',
  type: '',
  pageSize: 0,
  pageToken: '',
  run: 0,
  fencingToken: 0n,
};

const sentChunkBytes = 1024 * 1024;

function upload(
  client: wire.ArtifactStoreServiceClient,
  content: Buffer,
  header: Partial<wire.UploadHeader>,
): Promise<wire.Artifact> {
  return new Promise((resolve, reject) => {
    const stream = client.upload((error, response) => {
      if (error) reject(error);
      else if (response.artifact) resolve(response.artifact);
      else reject(new Error('the store answered without an artifact'));
    });
    const defaults: wire.UploadHeader = {
      idempotencyKey: '',
      fencingToken: 1n,
      specName: 'spec',
      taskId: '1.1',
      run: 1,
      type: 'log',
      name: 'run.log',
      mediaType: '',
      sizeBytes: BigInt(content.length),
      sha256: sha256(content),
      metadata: {},
    };
    stream.write({ header: { ...defaults, ...header } });
    for (let at = 0; at < content.length; at += sentChunkBytes) {
      stream.write({ chunk: content.subarray(at, at + sentChunkBytes) });
    }
    stream.end();
  });
}

async function download(client: wire.ArtifactStoreServiceClient, uri: string) {
  let artifact: wire.Artifact | undefined;
  const chunks: Buffer[] = [];
  const messages = client.download({ uri }) as AsyncIterable<wire.DownloadResponse>;
  for await (const message of messages) {
    artifact ??= message.artifact;
    if (message.chunk) chunks.push(Buffer.from(message.chunk));
  }
  const largestChunk = Math.max(0, ...chunks.map(({ length }) => length));
  return { artifact, content: Buffer.concat(chunks), largestChunk };
}

export function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
