import { writeFileSync } from 'node:fs';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@necrocode/testkit';
import { findEndpoints } from './endpoints.js';

const stack = {
  ready: true,
  nats_url: 'nats://127.0.0.1:14222',
  task_registry: '127.0.0.1:15051',
  repo_pool: '127.0.0.1:15052',
  artifact_store: '127.0.0.1:15053',
  llm_base_url: 'http://127.0.0.1:18000/v1',
};

function withStack(content: unknown = stack): { root: string; folder: string; file: string } {
  const root = tempDir();
  const folder = join(root, '.necrocode');
  mkdirSync(folder);
  const file = join(folder, 'stack.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return { root, folder, file };
}

describe('findEndpoints', () => {
  it('[AR-15.6] takes what the environment names before what a stack names', () => {
    const { root, file } = withStack();
    const environment = { NATS_URL: 'nats://elsewhere:4222', REPO_POOL_URL: '' };
    const { nats, repoPool } = findEndpoints({ environment, directory: root });
    expect(nats).toMatchObject({ address: 'nats://elsewhere:4222', source: 'NATS_URL' });
    expect(repoPool).toMatchObject({ address: stack.repo_pool, source: file });
  });

  it('[AR-15.6] takes everything from the stack.json of the current folder', () => {
    const { root } = withStack();
    const found = findEndpoints({ environment: {}, directory: root });
    expect(
      [found.nats, found.taskRegistry, found.repoPool, found.artifactStore, found.llm].map((e) => e?.address),
    ).toEqual([
      stack.nats_url,
      stack.task_registry,
      stack.repo_pool,
      stack.artifact_store,
      stack.llm_base_url,
    ]);
  });

  it('[AR-15.6] prefers the folder of --data-dir to that of NECROCODE_DATA_DIR', () => {
    const named = withStack({ nats_url: 'nats://named:1' });
    const variable = withStack({ nats_url: 'nats://variable:1' });
    const environment = { NECROCODE_DATA_DIR: variable.folder };
    const directory = tempDir();
    expect(findEndpoints({ environment, directory }).nats.address).toBe('nats://variable:1');
    const dataDir = named.folder;
    expect(findEndpoints({ environment, directory, dataDir }).nats.address).toBe('nats://named:1');
  });

  it('[AR-15.6] falls back to the usual addresses, and to no LLM', () => {
    const environment = { NECROCODE_DATA_DIR: tempDir() };
    const found = findEndpoints({ environment, directory: tempDir() });
    expect(found.nats).toMatchObject({ address: 'nats://127.0.0.1:4222', source: 'default' });
    expect(found.taskRegistry.address).toBe('127.0.0.1:50051');
    expect(found.repoPool.address).toBe('127.0.0.1:50052');
    expect(found.artifactStore.address).toBe('127.0.0.1:50053');
    expect(found.llm).toBeUndefined();
  });

  it('[AR-16.1] reads the key from the environment or from a file', () => {
    const file = join(tempDir(), 'key');
    writeFileSync(file, 'from-a-file\n');
    const place = { directory: tempDir() };
    const folder = { NECROCODE_DATA_DIR: tempDir() };
    expect(findEndpoints({ ...place, environment: { ...folder, OPENAI_API_KEY_FILE: file } }).llmKey).toBe(
      'from-a-file',
    );
    const direct = findEndpoints({ ...place, environment: { ...folder, OPENAI_API_KEY: 'direct' } });
    expect(direct.llmKey).toBe('direct');
    expect(direct.llm?.address).toBe('https://api.openai.com/v1');
  });

  it('[AR-15.6] refuses a named folder without a stack, and a stack.json that is none', () => {
    const environment = {};
    expect(() => findEndpoints({ environment, directory: '/', dataDir: tempDir() })).toThrow(
      /no stack\.json in/,
    );
    const { root, file } = withStack('{"nats_url": ');
    expect(() => findEndpoints({ environment, directory: root })).toThrow(file);
  });
});
