import { jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@necrocode/testkit';
import type { SetupPlace } from '../pipeline/ports.js';
import { setupInputs } from './setup-inputs.js';
import { install, SpecSetup } from './spec-setup.js';

jest.setTimeout(60_000);

const key = 'k'.repeat(64);
const never = () => Promise.reject(new Error('the setup was done again'));
const read = (place: SetupPlace, path: string) => readFileSync(join(place.workTree, path), 'utf8');
const project = { 'package.json': '{}', 'src/a.js': 'a' };
const usual =
  'mkdir -p node_modules/x "$HOME/.cache"; echo x > node_modules/x/index.js; echo h > "$HOME/.cache/h"';

describe('a kept setup', () => {
  const spec = new SpecSetup();

  it('[AR-2.1] comes as a copy of its own: files, links, modes, empty directories, HOME', async () => {
    const cache = spec.cache();
    const made = await spec.place(project);
    const script = `${usual}; ln -s ../x node_modules/link; mkdir node_modules/empty; echo s > node_modules/s; chmod 755 node_modules/s;
      ln node_modules/s node_modules/hard; echo b > src/built.js; mkdir -p ro/sub; echo r > ro/sub/f; chmod 555 ro/sub`;
    expect(await cache.provide(key, made, install(made, script))).toEqual({ kind: 'stored' });
    const place = await spec.place(project);
    expect(await spec.cache().provide(key, place, never)).toEqual({ kind: 'hit' });
    expect(read(place, 'node_modules/x/index.js')).toBe('x\n');
    expect(readlinkSync(join(place.workTree, 'node_modules/link'))).toBe('../x');
    expect(statSync(join(place.workTree, 'node_modules/s')).mode & 0o777).toBe(0o755);
    expect(statSync(join(place.workTree, 'ro/sub')).mode & 0o777).toBe(0o555);
    expect(readdirSync(join(place.workTree, 'node_modules/empty'))).toEqual([]);
    expect(read(place, 'src/built.js')).toBe('b\n');
    expect(readFileSync(join(place.homeDir, '.cache/h'), 'utf8')).toBe('h\n');
    const inode = (of: SetupPlace, path: string) => statSync(join(of.workTree, path)).ino;
    expect(inode(place, 'node_modules/s')).not.toBe(inode(made, 'node_modules/s'));
  });

  it('[AR-10.4] is not changed by whoever made it, nor by whoever got it', async () => {
    const cache = spec.cache();
    const other = 'a'.repeat(64);
    const poison = (place: SetupPlace) =>
      writeFileSync(join(place.workTree, 'node_modules/x/index.js'), 'poison');
    const made = await spec.place(project);
    await cache.provide(other, made, install(made, usual));
    poison(made);
    for (let turn = 0; turn < 2; turn += 1) {
      const place = await spec.place(project);
      expect(await cache.provide(other, place, never)).toEqual({ kind: 'hit' });
      expect(read(place, 'node_modules/x/index.js')).toBe('x\n');
      poison(place);
    }
  });

  it('[AR-10.4] shares no file with a task, and can be entered by the runner alone', async () => {
    const place = await spec.place(project);
    await spec.cache().provide(key, place, never);
    expect(statSync(spec.directory).mode & 0o777).toBe(0o700);
    const files = readdirSync(spec.directory, { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    );
    const links = files
      .filter(({ name }) => name === 'index.js')
      .map((one) => statSync(join(one.parentPath, one.name)).nlink);
    expect(links.length).toBeGreaterThan(0);
    expect(new Set(links)).toEqual(new Set([1]));
  });

  (process.getuid?.() === 0 ? it : it.skip)(
    '[AR-10.4] belongs to the user of the task that gets it, whoever made it',
    async () => {
      const handedOver = async (user: number) => {
        const place = await spec.place(project);
        execFileSync('chown', ['-hR', `${user}:${user}`, place.workTree, place.homeDir]);
        return place;
      };
      const owners = ({ workTree, homeDir }: SetupPlace) =>
        execFileSync('find', [workTree, homeDir, '-printf', '%u:%g %m\n'], { encoding: 'utf8' });
      const foreign = 'o'.repeat(64);
      const made = await handedOver(1_900_000_001);
      const script = `${usual}; cp /bin/true node_modules/s; chmod 4755 node_modules/s; chown -hR 1900000001:1900000001 . "$HOME"; chmod 4755 node_modules/s`;
      expect(await spec.cache().provide(foreign, made, install(made, script))).toEqual({ kind: 'stored' });
      const place = await handedOver(1_900_000_002);
      expect(await spec.cache().provide(foreign, place, never)).toEqual({ kind: 'hit' });
      const lines = owners(place).trim().split('\n');
      expect(lines.filter((line) => !/^1900000002:1900000002 [0-7]{3}$/.test(line))).toEqual([]);
      // One that its runner hands over with its first command.
      const fresh = await spec.place(project);
      expect(await spec.cache().provide(foreign, fresh, never)).toEqual({ kind: 'hit' });
      expect(owners(fresh)).not.toMatch(/^19| 4/m);
    },
  );

  it('[AR-14.3] is made once by tasks that come together', async () => {
    const cache = spec.cache();
    const together = 't'.repeat(64);
    let installed = 0;
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const place = await spec.place(project);
        return cache.provide(together, place, () => {
          installed += 1;
          return install(place, usual)();
        });
      }),
    );
    expect(installed).toBe(1);
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['hit', 'hit', 'hit', 'hit', 'stored']);
  });

  it('[AR-14.3] is whole when several runners make it at the same time', async () => {
    const shared = 's'.repeat(64);
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const place = await spec.place(project);
        return spec.cache().provide(shared, place, install(place, usual));
      }),
    );
    expect(outcomes.filter(({ kind }) => kind === 'not_kept')).toEqual([]);
    const place = await spec.place(project);
    expect(await spec.cache().provide(shared, place, never)).toEqual({ kind: 'hit' });
    expect(readdirSync(spec.directory).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('[AR-14.3] lets the others go on when the one that makes it fails or is cancelled', async () => {
    const cache = spec.cache();
    const failing = 'f'.repeat(64);
    const [one, two] = [await spec.place(project), await spec.place(project)];
    const first = cache.provide(failing, one, () => Promise.reject(new Error('cancelled')));
    const second = cache.provide(failing, two, install(two, usual));
    await expect(first).rejects.toThrow('cancelled');
    expect(await second).toEqual({ kind: 'stored' });
    const abort = new AbortController();
    const waiting = await spec.place(project, abort.signal);
    const slow = Promise.withResolvers<boolean>();
    const busy = cache.provide('b'.repeat(64), one, () => slow.promise);
    const given = cache.provide('b'.repeat(64), waiting, never);
    abort.abort(new Error('over'));
    await expect(given).rejects.toThrow('over');
    slow.resolve(false);
    expect(await busy).toMatchObject({ kind: 'not_kept' });
  });

  it.each([
    ['setup says it is not worth it', 'true', false],
    ['setup changes a file of the repository', 'echo b > src/a.js', true],
    ['setup removes a file of the repository', 'rm src/a.js', true],
    ['setup puts a link in the place of a directory', 'rm -r src; ln -s /etc src', true],
    ['setup leaves thousands of single files', 'for i in $(seq 1100); do echo > f$i; done', true],
  ])('[AR-10.4] is not kept where %s', async (name, script, worth) => {
    const cache = spec.cache();
    const place = await spec.place(project);
    const unfit = Buffer.from(name).toString('hex').padEnd(64, '0').slice(-64);
    const populate = async () => (await install(place, script)()) && worth;
    expect(await cache.provide(unfit, place, populate)).toMatchObject({ kind: 'not_kept' });
    expect(readdirSync(spec.directory)).not.toContain(unfit);
  });

  it.each([
    ['a link leads out', { node_modules: '->/OUTSIDE' }],
    ['a file is in the way', { 'node_modules/x/index.js': 'mine' }],
    ['a directory above is a link that leads out', { src: '->/OUTSIDE' }],
    ['a directory above is missing', { 'other.js': '' }],
  ])('[AR-10.4] is not put into another base where %s', async (_name, files) => {
    const made = await spec.place(project);
    const hostile = 'h'.repeat(64);
    await spec.cache().provide(hostile, made, install(made, `${usual}; echo b > src/built.js`));
    const outside = tempDir('outside-');
    const placed = Object.entries(files).map(
      ([path, text]) => [path, text.replace('/OUTSIDE', outside)] as const,
    );
    const place = await spec.place(Object.fromEntries(placed));
    const untouched = await install(place, 'find . "$HOME" | sort > /dev/null')().then(() =>
      readdirSync(place.workTree),
    );
    const done = Promise.withResolvers<readonly string[]>();
    await spec.cache().provide(hostile, place, () => {
      done.resolve(readdirSync(place.workTree));
      return Promise.resolve(false);
    });
    expect(await done.promise).toEqual(untouched);
    expect(readdirSync(outside)).toEqual([]);
  });

  it('[AR-10.4] carries links of setup as links, wherever they lead', async () => {
    const outside = tempDir('outside-');
    writeFileSync(join(outside, 'secret'), 'secret');
    const made = await spec.place(project);
    const links = 'l'.repeat(64);
    await spec
      .cache()
      .provide(
        links,
        made,
        install(made, `${usual}; ln -s ${outside} node_modules/out; ln -s ${outside}/secret "$HOME/s"`),
      );
    const place = await spec.place(project);
    await spec.cache().provide(links, place, never);
    expect(lstatSync(join(place.workTree, 'node_modules/out')).isSymbolicLink()).toBe(true);
    expect(lstatSync(join(place.homeDir, 's')).isSymbolicLink()).toBe(true);
    expect(readdirSync(outside)).toEqual(['secret']);
  });

  it('[AR-11.3] stays within its size, the longest unused first, and is not used when it is old', async () => {
    const bounded = new SpecSetup();
    const cache = bounded.cache({ maxBytes: 2_500_000 });
    const fill = async (name: string) => {
      const place = await bounded.place(project);
      return cache.provide(name.repeat(64), place, install(place, 'head -c 1000000 /dev/zero > big'));
    };
    const use = async (name: string) => {
      const place = await bounded.place(project);
      return (await cache.provide(name.repeat(64), place, () => Promise.resolve(false))).kind;
    };
    await fill('1');
    await fill('2');
    expect(await use('1')).toBe('hit');
    await fill('3');
    expect([await use('1'), await use('2'), await use('3')]).toEqual(['hit', 'not_kept', 'hit']);
    const place = await bounded.place(project);
    const large = cache.provide('4'.repeat(64), place, install(place, 'head -c 2000000 /dev/zero > big'));
    expect(await large).toEqual({ kind: 'not_kept', why: 'it is too large' });
    const old = bounded.cache({ maxAgeMs: -1 });
    expect(
      (await old.provide('1'.repeat(64), await bounded.place(project), () => Promise.resolve(false))).kind,
    ).toBe('not_kept');
  });

  it('[AR-14.3] is not used by halves when it disappears or is damaged', async () => {
    const damaged = 'd'.repeat(64);
    const cache = spec.cache();
    const made = await spec.place(project);
    await cache.provide(damaged, made, install(made, `${usual}; echo z > zzz`));
    const entry = join(spec.directory, damaged);
    const { paths } = JSON.parse(readFileSync(join(entry, 'entry.json'), 'utf8')) as { paths: string[] };
    mkdirSync(join(entry, 'gone'));
    symlinkSync('nowhere', join(entry, 'gone/x'));
    renameSync(join(entry, String(paths.indexOf('zzz'))), join(entry, 'gone/y'));
    const place = await spec.place(project);
    const seen = Promise.withResolvers<readonly string[][]>();
    await cache.provide(damaged, place, () => {
      seen.resolve([readdirSync(place.workTree).sort(), readdirSync(place.homeDir)]);
      return Promise.resolve(false);
    });
    expect(await seen.promise).toEqual([['package.json', 'src'], []]);
  });
});

describe('what a setup is kept by', () => {
  const spec = new SpecSetup();
  const lock = (more: object = {}) =>
    JSON.stringify({ lockfileVersion: 3, packages: { 'node_modules/x': { version: '1.0.0', ...more } } });
  const npm = {
    'package.json': '{"name":"x","scripts":{"test":"node test.js"}}',
    'package-lock.json': lock(),
    'a.js': '',
  };
  const inputsOf = async (commands: string[], files: Record<string, string>) =>
    setupInputs(commands, (await spec.place(files)).tree);

  it('[AR-2.1] is the lock file, where nothing of the repository runs', async () => {
    const before = await inputsOf(['npm ci --no-audit --no-fund'], npm);
    expect(before.mode).toBe('lockfiles');
    expect(await inputsOf(['npm ci --no-audit --no-fund'], { ...npm, 'a.js': 'other' })).toEqual(before);
    const changed = { ...npm, 'package-lock.json': lock({ integrity: 'sha512-other' }) };
    expect((await inputsOf(['npm ci --no-audit --no-fund'], changed)).digest).not.toBe(before.digest);
    expect((await inputsOf(['go mod download'], { 'go.mod': 'm', 'go.sum': 's', 'a.go': '' })).mode).toBe(
      'lockfiles',
    );
  });

  it.each<[string, string[], Record<string, string>]>([
    ['a command of its own', ['npm ci; sh x.sh'], npm],
    ['a second command', ['npm ci', './configure'], npm],
    ['no lock file', ['npm ci'], { 'package.json': '{}' }],
    [
      'an install script',
      ['npm ci'],
      { ...npm, 'package.json': '{"scripts":{"postinstall":"node evil.js"}}' },
    ],
    [
      'an install script whose name is escaped',
      ['npm ci'],
      { ...npm, 'package.json': String.raw`{"scripts":{"post\u0069nstall":"node evil.js"}}` },
    ],
    [
      'a prepare script of a workspace',
      ['npm ci'],
      { ...npm, 'packages/a/package.json': '{"scripts":{"prepare":"x"}}' },
    ],
    [
      'a dependency that runs a script',
      ['npm ci'],
      { ...npm, 'package-lock.json': lock({ hasInstallScript: true }) },
    ],
    [
      'a package on disk',
      ['npm ci'],
      { ...npm, 'package-lock.json': lock({ resolved: 'file:vendor/x.tgz' }) },
    ],
    ['a native module', ['npm ci'], { ...npm, 'binding.gyp': '{}' }],
    ['settings that start something', ['npm ci'], { ...npm, '.npmrc': 'script-shell=./evil.sh\n' }],
    ['installed packages in the repository', ['npm ci'], { ...npm, 'node_modules/x/index.js': '' }],
    ['a manifest that is a link', ['npm ci'], { ...npm, 'package.json': '->other.json', 'other.json': '{}' }],
    ['another build tool', ['.venv/bin/pip install -r requirements.txt'], { 'requirements.txt': 'x==1' }],
  ])('[AR-10.4] is the whole tree with %s', async (_name, commands, files) => {
    const before = await inputsOf(commands, files);
    expect(before.mode).toBe('tree');
    const after = await inputsOf(commands, { ...files, 'evil.js': 'added on another branch' });
    expect(after.digest).not.toBe(before.digest);
  });

  it('[AR-10.4] tells a file from one of the same content that is a link or may be run', async () => {
    const before = await inputsOf(['make'], { a: 'b', b: 'x' });
    expect((await inputsOf(['make'], { a: '->b', b: 'x' })).digest).not.toBe(before.digest);
  });
});
