import { chmod, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '@necrocode/testkit';
import { toolchainIdentity } from './toolchain-identity.js';

describe('toolchainIdentity', () => {
  it('[AR-2.1] changes with a tool, with the version that a manager chose, and with a registry', async () => {
    const root = tempDir();
    const bin = join(root, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'node-1'), 'one');
    await chmod(join(bin, 'node-1'), 0o755);
    await symlink('node-1', join(bin, 'node'));
    const pyenv = join(root, '.pyenv');
    await mkdir(pyenv);
    await writeFile(join(pyenv, 'version'), '3.11');
    const environment: NodeJS.ProcessEnv = { PATH: bin, PYENV_ROOT: pyenv, OTHER: 'x' };
    const first = await toolchainIdentity(environment);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(await toolchainIdentity({ ...environment, OTHER: 'y' })).toBe(first);

    const seen = new Set([
      first,
      await toolchainIdentity({ ...environment, npm_config_registry: 'http://r/' }),
    ]);
    await writeFile(join(bin, 'node-2'), 'two');
    await utimes(join(bin, 'node-2'), 1, 1);
    await rm(join(bin, 'node'));
    await symlink('node-2', join(bin, 'node'));
    seen.add(await toolchainIdentity(environment));
    await writeFile(join(pyenv, 'version'), '3.12');
    seen.add(await toolchainIdentity(environment));
    expect(seen.size).toBe(4);
  });
});
