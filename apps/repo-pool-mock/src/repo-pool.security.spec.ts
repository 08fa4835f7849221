import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@necrocode/rpc';
import { createLogger } from '@necrocode/telemetry';
import { freePort, tempDir } from '@necrocode/testkit';
import { connect, makeRepository, type PoolClient } from './repo-pool.contract.js';
import { readSettings } from './settings.js';
import { startRepoPool, type RunningRepoPool } from './start-repo-pool.js';

describe('a Repo Pool under attack', () => {
  let surroundings: string;
  let dataDir: string;
  let pool: RunningRepoPool;
  let client: PoolClient;

  beforeEach(async () => {
    surroundings = tempDir('repo-pool-');
    dataDir = join(surroundings, 'data');
    mkdirSync(join(surroundings, 'private'));
    writeFileSync(join(surroundings, 'private', 'secret'), 'hidden-word');
    const address = `127.0.0.1:${await freePort()}`;
    const variables = { LISTEN_ADDRESS: address, DATA_DIR: dataDir, WARM_SLOTS: '0' };
    pool = await startRepoPool(readSettings(variables), createLogger({ name: 'test', level: 'silent' }));
    client = connect(address);
  });
  afterEach(async () => {
    client.close();
    await pool.close();
  });

  it.each([
    ['specName', '..'],
    ['specName', 'a/b'],
    ['specName', 'x\u0000'],
    ['specName', 'x'.repeat(65)],
    ['taskId', '../../private'],
    ['taskId', 'a.lock'],
    ['runnerId', ''],
    ['runnerId', 'runner\n{"level":"info"}'],
    ['runnerId', 'x'.repeat(201)],
    ['repoUrl', '--upload-pack=touch pwned'],
    ['repoUrl', 'https://user:hidden-word@git.example/x.git'],
    ['repoUrl', 'https://git.example/x y.git'],
    ['repoUrl', 'https://git.example/\u0000'],
    ['repoUrl', `https://git.example/${'x'.repeat(2_048)}`],
  ])('[AR-10.4] refuses a bad %s by name, without showing it (case %#)', async (field, value) => {
    const asked = client.allocate({ repoUrl: 'https://127.0.0.1:1/x.git', [field]: value });
    const error = await asked.then(
      () => undefined,
      (reason: { code: number; details: string }) => reason,
    );
    expect(error).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining(field) as string,
    });
    expect(error?.details).not.toContain('hidden-word');
    expect((await client.listSlots({})).slots).toEqual([]);
  });

  it.each([
    'ext::sh -c "touch $MARK"'.replaceAll(' ', '%20'),
    'ext::touch',
    'ssh://-oProxyCommand=touch/x.git',
    'git://127.0.0.1:1/x.git',
    'http://127.0.0.1:1/x.git',
    '/private',
    '../../private',
    'file:///private/../private',
    'https://127.0.0.1:1/../../../../private',
    'https://127.0.0.1:1/%2e%2e/%2e%2e/private',
    `https://127.0.0.1:1/${'../'.repeat(100)}etc/passwd`,
  ])(
    '[AR-10.4] makes of an address no path, no command and no connection of another kind (case %#)',
    async (repoUrl) => {
      const answered = await client.allocate({ repoUrl }).catch((error: { code: number }) => error);
      if ('leaseId' in answered) {
        // An empty slot: whether the address may be used at all, the runner judges by its own settings.
        const { workTree = '', gitDir = '', commit } = answered.directory ?? {};
        expect(commit).toBe('');
        for (const path of [workTree, gitDir])
          expect(realpathSync(path).startsWith(join(dataDir, 'slots'))).toBe(true);
        expect(readdirSync(workTree)).toEqual([]);
      } else expect(answered.code).toBe(status.INVALID_ARGUMENT);
      expect(readdirSync(surroundings).sort()).toEqual(['data', 'private']);
      expect(readdirSync(join(surroundings, 'private'))).toEqual(['secret']);
    },
  );

  it('[AR-10.4] reads no repository on its own disk unless it is told to', async () => {
    const { url } = makeRepository(join(surroundings, 'repository'));
    const path = url.replace('file://', '');
    for (const repoUrl of [path, `file://${path}`]) {
      const { directory } = await client.allocate({ repoUrl });
      expect(directory?.commit).toBe('');
      expect(readdirSync(directory?.workTree ?? '')).toEqual([]);
    }
  });

  it('[AR-10.4] takes lease ids for names, never for paths', async () => {
    const leaseId = '../../private';
    const lost = { code: expect.any(Number) as number };
    await expect(client.renew({ leaseId, fencingToken: 1n })).rejects.toMatchObject(lost);
    await client.release({ leaseId, fencingToken: 1n, broken: true }).catch(() => undefined);
    expect(existsSync(join(surroundings, 'private', 'secret'))).toBe(true);
  });
});
