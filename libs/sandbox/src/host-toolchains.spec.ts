import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { certificatePaths, networkEnvironment } from './command-environment.js';
import { findToolchains } from './host-toolchains.js';

describe('findToolchains', () => {
  let home: string;
  beforeEach(async () => {
    home = join(await mkdtemp(join(tmpdir(), 'toolchains-spec-')), 'user');
    for (const path of [
      '.cargo/bin',
      '.rustup',
      '.local/bin',
      '.pyenv/shims',
      'bin',
      'sdk/go/bin',
      'app/node_modules/.bin',
    ]) {
      await mkdir(join(home, path), { recursive: true });
    }
    await writeFile(join(home, '.cargo/credentials.toml'), 'token');
  });
  afterEach(() => rm(dirname(home), { recursive: true, force: true }));

  it('[AR-10.4] shows toolchains of a home, but never the home, and hides their credentials', async () => {
    const entries = [
      '.cargo/bin',
      '.local/bin',
      '.pyenv/shims',
      'bin',
      'sdk/go/bin',
      'app/node_modules/.bin',
      'absent/bin',
    ];
    const PATH = [...entries.map((entry) => join(home, entry)), '/usr/bin', 'relative', ''].join(':');
    const found = await findToolchains({ PATH, HOME: home });
    const inHome = found.directories
      .filter((directory) => directory.startsWith(home))
      .map((d) => d.slice(home.length + 1));
    expect(inHome).toEqual(['.cargo', '.local/bin', '.pyenv', '.rustup', 'bin', 'sdk/go']);
    expect(found.hidden).toEqual([join(home, '.cargo/credentials.toml')]);
    expect(found.variables).toEqual({ PYENV_ROOT: join(home, '.pyenv'), RUSTUP_HOME: join(home, '.rustup') });
    const path = found.path.split(':');
    expect(path).toContain('/usr/bin');
    expect(path.at(-1)).toBe(dirname(process.execPath));
    expect(
      path.every(
        (entry) => entry.startsWith('/') && !entry.includes('node_modules/.bin') && !entry.includes('absent'),
      ),
    ).toBe(true);
  });
});

describe('networkEnvironment', () => {
  it('[AR-10.1] hands on proxies and certificates, but no address with a password', () => {
    const environment = networkEnvironment({
      https_proxy: 'http://proxy:3128',
      HTTP_PROXY: 'http://user:secret@proxy:3128',
      npm_config_registry: 'https://token@registry/',
      SSL_CERT_DIR: '/etc/ssl/certs:/opt/certs',
      OPENAI_API_KEY: 'k',
    });
    expect(environment).toEqual({
      https_proxy: 'http://proxy:3128',
      SSL_CERT_DIR: '/etc/ssl/certs:/opt/certs',
    });
    expect(certificatePaths(environment)).toEqual(['/etc/ssl/certs', '/opt/certs']);
  });
});
