import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { artifactStore as wire, faultInjection } from '@necrocode/contracts';
import { call, checkHealth, createClient, status } from '@necrocode/rpc';
import { createLogger } from '@necrocode/telemetry';
import { eventually, freePort, tempDir } from '@necrocode/testkit';
import {
  artifactStoreContract,
  connect,
  sha256,
  type StoreClient,
  type StoreStart,
} from './artifact-store.contract.js';
import { ArtifactStore } from './artifact-store.js';
import { pacedResponses } from './call-streams.js';
import { readSettings } from './settings.js';
import { startArtifactStore } from './start-artifact-store.js';

const log = createLogger({ name: 'test', level: 'silent' });

artifactStoreContract('artifact-store-mock', start);

async function start({ dataDir, maxArtifactBytes }: StoreStart) {
  const address = `127.0.0.1:${await freePort()}`;
  const settings = readSettings({
    LISTEN_ADDRESS: address,
    DATA_DIR: dataDir,
    MAX_ARTIFACT_BYTES: String(maxArtifactBytes),
    FAULT_INJECTION: '1',
  });
  const running = await startArtifactStore(settings, log);
  return { address, stop: () => running.close() };
}

describe('artifact-store-mock', () => {
  let dataDir: string;
  let store: Awaited<ReturnType<typeof start>>;
  let client: StoreClient;

  beforeEach(async () => {
    dataDir = tempDir('artifact-store-');
    store = await start({ dataDir, maxArtifactBytes: 1024 * 1024 });
    client = connect(store.address);
  });
  afterEach(async () => {
    client.close();
    await store.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const blob = (content: string) => {
    const digest = sha256(Buffer.from(content));
    return join(dataDir, 'blobs', digest.slice(0, 2), digest);
  };

  it('[AR-12.5] answers the standard health check', async () => {
    expect(await checkHealth(store.address, 5_000)).toBeUndefined();
  });

  it('[AR-15.3] keeps content once, and removes it with the last artifact that refers to it', async () => {
    const one = await client.upload(Buffer.from('shared'), { name: 'one' });
    await client.upload(Buffer.from('shared'), { name: 'two' });
    await client.delete(one.uri);
    expect(existsSync(blob('shared'))).toBe(true);
    await client.upload(Buffer.from('replaced'), { name: 'two' });
    expect([existsSync(blob('shared')), existsSync(blob('replaced'))]).toEqual([false, true]);
  });

  it('[AR-15.3] notices content that the disk has damaged or lost', async () => {
    const { uri } = await client.upload(Buffer.from('content'));
    writeFileSync(blob('content'), 'cOntent');
    await expect(client.download(uri)).rejects.toMatchObject({ code: status.DATA_LOSS });
    rmSync(blob('content'));
    await expect(client.download(uri)).rejects.toMatchObject({ code: status.DATA_LOSS });
    await client.upload(Buffer.from('content'));
    expect((await client.download(uri)).content.toString()).toBe('content');
  });

  it('[AR-15.3] leaves nothing of an upload that was refused or broken off', async () => {
    await expect(client.upload(Buffer.from('x'), { sizeBytes: 5n })).rejects.toMatchObject({
      code: status.DATA_LOSS,
    });
    const raw = createClient(wire.ArtifactStoreServiceClient, store.address);
    const incoming = join(dataDir, 'incoming');
    const broken = new Promise((resolve) => {
      const stream = raw.upload((error) => resolve(error?.code));
      stream.write({ header: { ...header, sizeBytes: 10n } });
      stream.write({ chunk: Buffer.from('12345') });
      void eventually('the store receives', () => readdirSync(incoming).length === 1 || undefined).then(() =>
        stream.cancel(),
      );
    });
    expect(await broken).toBe(status.CANCELLED);
    await eventually('the file is gone', () => readdirSync(incoming).length === 0 || undefined);
    raw.close();
  });
});

describe('artifact-store-mock with faults', () => {
  const fault: faultInjection.Fault = {
    method: 'Upload',
    latencyMs: 0,
    statusCode: 0,
    dropReply: false,
    count: 1,
  };

  it('[AR-6.5] keeps the order of chunks that came while a call was held up, and answers injected errors', async () => {
    const dataDir = tempDir('artifact-store-');
    const store = await start({ dataDir, maxArtifactBytes: 16 * 1024 * 1024 });
    const faults = createClient(faultInjection.FaultInjectionServiceClient, store.address);
    const client = connect(store.address);
    const set = (rule: Partial<faultInjection.Fault>) =>
      call(faults.setFaults.bind(faults), { faults: [{ ...fault, ...rule }] }, { deadlineMs: 5_000 });

    const content = randomBytes(12 * 1024 * 1024);
    await set({ latencyMs: 20 });
    const { uri } = await client.upload(content);
    expect(sha256((await client.download(uri)).content)).toBe(sha256(content));
    await set({ statusCode: status.UNAVAILABLE });
    await expect(client.upload(content)).rejects.toMatchObject({ code: status.UNAVAILABLE });
    await set({ dropReply: true });
    await expect(client.upload(Buffer.from('x'), { name: 'lost' })).rejects.toMatchObject({
      code: status.UNAVAILABLE,
    });
    expect((await client.list({})).artifacts.map(({ name }) => name)).toEqual(['run.log', 'lost']);

    faults.close();
    client.close();
    await store.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });
});

describe('ArtifactStore', () => {
  it('[AR-6.1] removes artifacts after their retention, by type, and content that no row refers to', async () => {
    const dataDir = tempDir('artifact-store-');
    const day = 24 * 60 * 60 * 1000;
    let now = Date.UTC(2030, 0, 1);
    const options = { dataDir, maxArtifactBytes: 100, now: () => now };
    const store = new ArtifactStore(options, log);
    for (const type of ['diff', 'log', 'test_result']) await store.upload(parts(type, type));
    const types = (of: ArtifactStore) =>
      of
        .list({ specName: '', taskId: '', type: '', pageSize: 0, pageToken: '', run: 0, fencingToken: 0n })
        .artifacts.map(({ type }) => type);
    now += 7 * day;
    store.sweep();
    expect(types(store)).toEqual(['diff', 'test_result']);
    store.close();

    const digest = sha256(Buffer.from('orphan'));
    mkdirSync(join(dataDir, 'blobs', digest.slice(0, 2)));
    writeFileSync(join(dataDir, 'blobs', digest.slice(0, 2), digest), 'orphan');
    now += 7 * day;
    const restarted = new ArtifactStore(options, log);
    expect(types(restarted)).toEqual(['diff']);
    const files = readdirSync(join(dataDir, 'blobs'), { recursive: true, withFileTypes: true });
    expect(files.filter((file) => file.isFile()).map(({ name }) => name)).toEqual([
      sha256(Buffer.from('diff')),
    ]);
    restarted.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
});

describe('pacedResponses', () => {
  it('[AR-15.3] asks for the next message only when the last one has gone out', async () => {
    const call = Object.assign(new EventEmitter(), { writableNeedDrain: true });
    const asked: number[] = [];
    const source = async function* () {
      for (const n of [1, 2]) {
        asked.push(n);
        yield await Promise.resolve(n);
      }
    };
    const received: number[] = [];
    const done = new Promise<void>((complete) => {
      pacedResponses(source, call).subscribe({ next: (n) => received.push(n), complete });
    });
    await eventually('it waits for the drain', () => call.listenerCount('drain') === 1 || undefined);
    expect([asked, received]).toEqual([[1], [1]]);
    call.writableNeedDrain = false;
    call.emit('drain');
    await done;
    expect(received).toEqual([1, 2]);
  });

  it('[AR-15.3] ends the source when the caller has gone', async () => {
    const call = Object.assign(new EventEmitter(), { writableNeedDrain: true });
    const ended = new Promise<void>((resolve) => {
      const source = async function* () {
        try {
          yield await Promise.resolve(1);
        } finally {
          resolve();
        }
      };
      const subscription = pacedResponses(source, call).subscribe(() =>
        setImmediate(() => subscription.unsubscribe()),
      );
    });
    await expect(ended).resolves.toBeUndefined();
  });
});

const header: wire.UploadHeader = {
  idempotencyKey: '',
  fencingToken: 1n,
  specName: 'spec',
  taskId: '1.1',
  run: 1,
  type: 'log',
  name: 'x',
  mediaType: '',
  sizeBytes: 0n,
  sha256: sha256(Buffer.alloc(0)),
  metadata: {},
};

async function* parts(type: string, text: string): AsyncGenerator<wire.UploadRequest> {
  const chunk = await Promise.resolve(Buffer.from(text));
  yield { header: { ...header, type, sizeBytes: BigInt(chunk.length), sha256: sha256(chunk) } };
  yield { chunk };
}
