import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noUsage, RunnerError, type ArtifactRef, type TaskResult } from '@necrocode/contracts';
import { createLogger, createMask } from '@necrocode/telemetry';
import { tempDir } from '@necrocode/testkit';
import type { Artifact, Lease } from '../pipeline/ports.js';
import { FileSpool, type SpoolOptions } from './spool.js';

const lease: Lease = { key: { specName: 's', taskId: '1' }, fencingToken: 7n, run: 1, attempt: 2 };
const never = new AbortController().signal;
const hour = 3_600_000;

let directory: string;
let lines: string[];
let reported: { readonly lease: Lease; readonly result: TaskResult }[];
let uploaded: { readonly artifact: Artifact; readonly content: string }[];
let added: ArtifactRef[];
/** What the services answer with, while they are away. */
let failure: RunnerError | undefined;
let spools: FileSpool[];

beforeEach(() => {
  directory = join(tempDir(), 'spool');
  [lines, reported, uploaded, added, spools] = [[], [], [], [], []];
  failure = new RunnerError('registry_unavailable', 'away');
});

afterEach(async () => {
  await Promise.all(spools.map((spool) => spool.close()));
});

describe('the spool', () => {
  it('[AR-7.1] tells a report when the registry is back, and whoever waits for it', async () => {
    const spool = await start();
    const kept = await spool.keepReport(lease, result());
    const told = kept?.told(never);
    expect(files('.json')).toHaveLength(1);
    failure = undefined;
    expect(await told).toEqual({ kind: 'told', state: 'done', accepted: true });
    expect(reported).toEqual([{ lease, result: result() }]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('[AR-7.1] tells at its start what an earlier runner left', async () => {
    await earlier((spool) => spool.keepReport(lease, result()));
    failure = undefined;
    await start();
    expect(reported).toEqual([{ lease, result: result() }]);
  });

  it('[AR-7.1] stops waiting when it is told to, and keeps the report', async () => {
    const kept = await (await start()).keepReport(lease, result());
    expect(await kept?.told(AbortSignal.abort())).toBeUndefined();
    expect(files('.json')).toHaveLength(1);
  });

  it('[AR-14.3] drops what the registry refuses for good, and says so', async () => {
    const spool = await start();
    const kept = await spool.keepReport(lease, result());
    const told = kept?.told(never);
    failure = new RunnerError('lease_lost', 'the task belongs to another runner now');
    expect(await told).toEqual({ kind: 'lease_lost' });
    expect(readdirSync(directory)).toEqual([]);
    expect(lines.join()).toContain('dropped from the spool');
  });

  it('[AR-6.5] sends an artifact later, whole, and has the registry note it', async () => {
    const content = Buffer.from([0, 255, 10, 13]);
    expect(await earlier((spool) => spool.keepArtifact(lease, artifact(content, 'upload-1')))).toBe(true);
    failure = undefined;
    await start();
    expect(uploaded).toEqual([
      {
        artifact: expect.objectContaining({ uploadId: 'upload-1' }) as Artifact,
        content: content.toString('hex'),
      },
    ]);
    expect(added).toMatchObject([{ type: 'log', uri: 'store://1' }]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('[AR-8.2] has the next runner send what its predecessor died with, and forgets what is released', async () => {
    const answer = {
      ...artifact(Buffer.from('{}'), 'upload-1'),
      type: 'llm_answer',
      uploadId: 'upload-1',
    } as const;
    const spool = await start();
    await spool.hold(lease, { ...answer, uploadId: 'upload-0' }).release();
    expect(readdirSync(directory)).toEqual([]);
    // Never released.
    spool.hold(lease, answer);
    failure = undefined;
    await start();
    expect(uploaded.map(({ artifact: { uploadId } }) => uploadId)).toEqual(['upload-1']);
    // Evidence is noted in the registry, an answer is not.
    expect(added).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('[AR-8.4] goes on when nothing can be held', async () => {
    const spool = await start();
    writeFileSync(directory, 'not a directory');
    const held = spool.hold(lease, { ...artifact(Buffer.from(''), 'upload-1'), uploadId: 'upload-1' });
    await held.release();
    expect(lines.join()).toContain('not held');
    rmSync(directory);
  });

  it('[AR-10.5] holds no secret, and is for its own user alone', async () => {
    await (await start()).keepReport(lease, { ...result(), warnings: ['we know secret-4711'] });
    const [file] = files('.json');
    expect(readFileSync(join(directory, file ?? ''), 'utf8')).toContain('we know [masked]');
    expect(readFileSync(join(directory, file ?? ''), 'utf8')).not.toContain('secret-4711');
  });

  it.each(['{"version":1,', '{"version":2}', ''])(
    '[AR-8.4] sets aside what it cannot read: %j',
    async (text) => {
      await earlier((spool) => spool.keepReport(lease, result()));
      const [file] = files('.json');
      writeFileSync(join(directory, `000-${file}`), text);
      failure = undefined;
      await start();
      expect(reported).toHaveLength(1);
      expect(readdirSync(directory)).toEqual([`000-${file?.replace('.json', '.unreadable')}`]);
      await start();
      expect(reported).toHaveLength(1);
    },
  );

  it('[AR-8.3] drops what has become too old, after a last try', async () => {
    await earlier((spool) => spool.keepReport(lease, result()));
    await start({ maxAgeMs: -1 });
    expect(readdirSync(directory)).toEqual([]);
    expect(lines.join()).toContain('"code":"registry_unavailable"');
  });

  it('[AR-8.3] removes what a writer left that died, once nobody can be writing it', async () => {
    await earlier((spool) => spool.keepReport(lease, result()));
    const [old, fresh] = ['1-a.json.tmp', '2-b.content'].map((name) => join(directory, name)) as [
      string,
      string,
    ];
    for (const path of [old, fresh]) writeFileSync(path, 'half');
    const longAgo = (Date.now() - 2 * hour) / 1000;
    utimesSync(old, longAgo, longAgo);
    await start();
    expect(files('.tmp')).toEqual([]);
    expect(files('.content')).toEqual(['2-b.content']);
  });

  it('[AR-8.3] removes also what becomes old enough only while the runner runs', async () => {
    const spool = await start();
    const orphan = join(directory, '1-a.content');
    await spool.keepReport(lease, result());
    writeFileSync(orphan, 'its writer was killed before the document');
    const longAgo = (Date.now() - 2 * hour) / 1000;
    utimesSync(orphan, longAgo, longAgo);
    const kept = await spool.keepReport(lease, result());
    const told = kept?.told(never);
    failure = undefined;
    await told;
    expect(files('.content')).toEqual([]);
  });

  it('[AR-8.3] lets the oldest artifacts make room, reports never', async () => {
    const spool = await start({ maxBytes: 8_500 });
    await spool.keepReport(lease, result());
    await spool.keepArtifact(lease, artifact(Buffer.alloc(4_000), 'first'));
    await spool.keepArtifact(lease, artifact(Buffer.alloc(4_000), 'second'));
    expect(await spool.keepArtifact(lease, artifact(Buffer.alloc(9_000), 'too large'))).toBe(false);
    await spool.close();
    failure = undefined;
    await start();
    expect(reported).toHaveLength(1);
    expect(uploaded.map(({ artifact: { uploadId } }) => uploadId)).toEqual(['second']);
  });

  it('[AR-8.3] says that it could not keep something where the disk takes nothing', async () => {
    const file = join(tempDir(), 'a-file');
    writeFileSync(file, '');
    const spool = await start({ directory: join(file, 'spool') });
    expect(await spool.keepReport(lease, result())).toBeUndefined();
    expect(await spool.keepArtifact(lease, artifact(Buffer.from('x'), 'x'))).toBe(false);
    expect(lines.join()).toContain('the spool cannot be written');
  });

  it('[AR-8.2] asks a service that is away once in a round, whatever waits for it', async () => {
    const first = await start();
    for (let n = 0; n < 5; n += 1) await first.keepReport(lease, result());
    await first.close();
    let calls = 0;
    const counting = {
      report: () => {
        calls += 1;
        return Promise.reject(new RunnerError('registry_unavailable', 'away'));
      },
      addArtifacts: () => Promise.resolve(),
    };
    await start({ registry: counting });
    expect(calls).toBe(1);
  });
});

/** What a runner leaves behind that ends. */
async function earlier<T>(leave: (spool: FileSpool) => Promise<T>): Promise<T> {
  const spool = await start();
  const left = await leave(spool);
  await spool.close();
  return left;
}

async function start(more: Partial<SpoolOptions> = {}): Promise<FileSpool> {
  const spool = new FileSpool({
    directory,
    maxBytes: 1_000_000,
    maxAgeMs: hour,
    registry: {
      report: (holder, told) => answer(() => reported.push({ lease: holder, result: told }), doneReply),
      addArtifacts: (_holder, refs) => answer(() => added.push(...refs), undefined),
    },
    store: {
      upload: (_holder, sent) =>
        answer(() => uploaded.push({ artifact: sent, content: Buffer.from(sent.content).toString('hex') }), {
          type: sent.type,
          uri: 'store://1',
          size_bytes: sent.content.length,
          sha256: '0'.repeat(64),
        }),
    },
    mask: createMask(['secret-4711']),
    log: createLogger({ name: 'spec', write: (line) => lines.push(line) }),
    ...more,
  });
  spools.push(spool);
  await spool.start();
  return spool;
}

const doneReply = { state: 'done', accepted: true } as const;

function answer<T>(note: () => void, reply: T): Promise<T> {
  if (failure) return Promise.reject(failure);
  note();
  return Promise.resolve(reply);
}

function files(end: string): string[] {
  return readdirSync(directory).filter((name) => name.endsWith(end));
}

function artifact(content: Buffer, uploadId: string): Artifact {
  return { type: 'log', name: 'run.log', mediaType: 'application/x-ndjson', content, uploadId };
}

function result(): TaskResult {
  return {
    schema_version: 1,
    task_id: '1',
    spec_name: 's',
    run: 1,
    status: 'done',
    runner_id: 'r',
    attempt: 2,
    attempts: 2,
    rounds: 1,
    branch: 'b',
    commit: null,
    tree: null,
    base_commit: null,
    pushed: true,
    files_changed: [],
    tests: [],
    artifacts: [],
    usage: noUsage,
    timings: {},
    queue_wait_ms: 1,
    started_at: '2026-01-01T00:00:00.000Z',
    finished_at: '2026-01-01T00:00:01.000Z',
    sandbox: 'full',
    error: null,
    trace_id: null,
  };
}
