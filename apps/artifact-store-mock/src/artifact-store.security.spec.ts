import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { artifactStore as wire } from '@necrocode/contracts';
import { isMessageTooLarge, status } from '@necrocode/rpc';
import { createLogger } from '@necrocode/telemetry';
import { freePort, tempDir } from '@necrocode/testkit';
import { connect, sha256, type StoreClient } from './artifact-store.contract.js';
import { readSettings } from './settings.js';
import { startArtifactStore, type RunningArtifactStore } from './start-artifact-store.js';

const log = createLogger({ name: 'test', level: 'silent' });

describe('an Artifact Store under attack', () => {
  let surroundings: string;
  let dataDir: string;
  let address: string;
  let store: RunningArtifactStore;
  let client: StoreClient;

  beforeEach(async () => {
    surroundings = tempDir('artifact-store-');
    mkdirSync(join(surroundings, 'private'));
    writeFileSync(join(surroundings, 'private', 'secret'), 'hidden-word');
    dataDir = join(surroundings, 'data');
    await start();
  });
  afterEach(stop);

  async function start(): Promise<void> {
    address = `127.0.0.1:${await freePort()}`;
    const variables = { LISTEN_ADDRESS: address, DATA_DIR: dataDir, MAX_ARTIFACT_BYTES: '2000000' };
    store = await startArtifactStore(readSettings(variables), log);
    client = connect(address);
  }

  async function stop(): Promise<void> {
    client.close();
    await store.close();
  }

  const placeOf = (content: string) => {
    const digest = sha256(Buffer.from(content));
    return join(dataDir, 'blobs', digest.slice(0, 2), digest);
  };

  const hostileNames = [
    '..',
    '../escape',
    '../../private/secret',
    '/etc/passwd',
    'a/b',
    'a\\b',
    '..\\escape',
    '.',
    '.hidden',
    'a\u0000b',
    'a\nb',
    'a\u202eb',
    '%2e%2e%2fescape',
    '-rf',
    'x'.repeat(300),
    'é',
    '',
    ' ',
    "'; DROP TABLE artifacts; --",
  ];
  const fields = ['name', 'taskId', 'specName', 'type'] as const;
  const attacks = fields.flatMap((field) => hostileNames.map((value) => [field, value] as const));

  it(`[AR-10.4] refuses ${attacks.length} hostile names, and changes nothing but its own folder`, async () => {
    const before = snapshot(surroundings, 'data');
    for (const [field, value] of attacks) {
      const refused = client.upload(Buffer.from('x'), { [field]: value });
      await expect(refused).rejects.toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: expect.stringContaining(field) as string,
      });
    }
    expect(snapshot(surroundings, 'data')).toEqual(before);
    expect((await client.list({})).artifacts).toEqual([]);
    expect(readdirSync(join(dataDir, 'incoming'))).toEqual([]);
    expect(readdirSync(join(dataDir, 'blobs'))).toEqual([]);
  });

  it.each([
    'artifact://spec/1.1/1/log/../../../../private/secret',
    'artifact://../../../1/log/x',
    'artifact://spec/..%2f..%2f/1/log/secret',
    'file:///etc/passwd',
    '../private/secret',
    'artifact://spec/1.1/1/log/run.log\u0000',
    `artifact://spec/1.1/1/log/${'x'.repeat(5_000)}`,
    "artifact://spec/1.1/1/log/x' OR '1'='1",
  ])('[AR-10.4] gives out and deletes nothing for what is no artifact (case %#)', async (uri) => {
    await client.upload(Buffer.from('kept'));
    for (const attempt of [client.download(uri), client.delete(uri)]) {
      const code = await attempt.then(
        () => 'answered',
        (error: { code: number }) => error.code,
      );
      expect([status.INVALID_ARGUMENT, status.NOT_FOUND]).toContain(code);
    }
    expect((await client.list({})).artifacts).toHaveLength(1);
    expect(readFileSync(join(surroundings, 'private', 'secret'), 'utf8')).toBe('hidden-word');
  });

  it.each([
    ['digest', { sha256: '../../private/secret' }],
    ['digest', { sha256: 'A'.repeat(64) }],
    ['media type', { mediaType: 'text/plain\r\nx: y' }],
    ['metadata name', { metadata: { 'a b\n': 'c' } }],
    ['metadata', { metadata: { note: 'x'.repeat(9_000) } }],
    ['idempotency key', { idempotencyKey: 'k'.repeat(201) }],
    ['size', { sizeBytes: 2_000_001n }],
  ])('[AR-10.4] refuses a %s that does not fit', async (_what, wrong) => {
    await expect(client.upload(Buffer.from('x'), wrong)).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
  });

  it('[AR-10.4] stops listening as soon as more comes than was announced', async () => {
    const flood = Buffer.alloc(20 * 1024 * 1024);
    await expect(client.upload(flood, { sizeBytes: 10n })).rejects.toMatchObject({ code: status.DATA_LOSS });
    expect(readdirSync(join(dataDir, 'incoming'))).toEqual([]);
  });

  it('[AR-10.4] refuses a chunk above its limit with a status of its own', async () => {
    const { path } = wire.ArtifactStoreServiceService.upload;
    const raw = new Client(address, credentials.createInsecure());
    const bytes = (value: Buffer) => value;
    const error = await new Promise<unknown>((resolve) => {
      const call = raw.makeClientStreamRequest(path, bytes, bytes, (refused) => resolve(refused));
      call.on('error', () => undefined);
      call.write(Buffer.from(wire.UploadRequest.encode({ chunk: Buffer.alloc(3 * 1024 * 1024) }).finish()));
      call.end();
    });
    raw.close();
    expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(isMessageTooLarge(error)).toBe(true);
  });

  it('[AR-10.4] follows no link in place of content', async () => {
    const { uri } = await client.upload(Buffer.from('content'));
    rmSync(placeOf('content'));
    symlinkSync(join(surroundings, 'private', 'secret'), placeOf('content'));
    await expect(client.download(uri)).rejects.toMatchObject({ code: status.DATA_LOSS });
    // A new upload takes the link's place and leaves alone what it pointed to.
    await client.upload(Buffer.from('content'));
    expect((await client.download(uri)).content.toString()).toBe('content');
    expect(readFileSync(join(surroundings, 'private', 'secret'), 'utf8')).toBe('hidden-word');
    await client.delete(uri);
    expect(existsSync(join(surroundings, 'private', 'secret'))).toBe(true);
  });

  it('[AR-10.4] waits for no pipe in place of content', async () => {
    const { uri } = await client.upload(Buffer.from('content'));
    rmSync(placeOf('content'));
    execFileSync('mkfifo', [placeOf('content')]);
    await expect(client.download(uri)).rejects.toMatchObject({ code: status.DATA_LOSS });
  });

  it('[AR-10.4] follows no link in place of a folder: neither to write, nor to read, nor to clean up', async () => {
    const outside = join(surroundings, 'private');
    const folder = join(placeOf('content'), '..');
    const foreign = join(outside, sha256(Buffer.from('content')));
    writeFileSync(foreign, 'content');
    symlinkSync(outside, folder);
    const before = snapshot(surroundings, 'data');
    await expect(client.upload(Buffer.from('content'))).rejects.toMatchObject({ code: status.UNKNOWN });
    // The next start removes what nobody refers to.
    await stop();
    await start();
    expect(snapshot(surroundings, 'data')).toEqual(before);
    expect(lstatSync(folder).isSymbolicLink()).toBe(true);
  });

  it('[AR-10.4] does not start with a link in place of its content', async () => {
    await stop();
    rmSync(join(dataDir, 'blobs'), { recursive: true });
    symlinkSync(join(surroundings, 'private'), join(dataDir, 'blobs'));
    await expect(start()).rejects.toThrow('must be a folder, not a link');
    rmSync(join(dataDir, 'blobs'));
    await start();
  });
});

/** Every path below a folder with its kind and content, without one of its entries. */
function snapshot(folder: string, without: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const content = entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
      return `${path.slice(folder.length + 1)} ${content}`;
    })
    .filter((line) => !line.startsWith(without))
    .sort();
}
