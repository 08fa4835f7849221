import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Change } from '@necrocode/contracts';
import { applyAnswer } from './change-set.js';
import { BaseTree } from './base-tree.js';
import { ChangedTree } from './changed-tree.js';
import { checkoutBase } from './checkout.js';
import { filesOnDisk, SpecRepository } from './spec-repository.js';
import { emptyDirectory, writeChanges } from './write-changes.js';

let repository: SpecRepository;
let view: ChangedTree;
let tree: string;

beforeEach(async () => {
  repository = await SpecRepository.create();
  tree = repository.workTree;
  const [commit = ''] = await repository.record([
    [
      { path: 'd/one', content: '1' },
      { path: 'd/two', content: '2' },
      { path: 'file', content: 'f' },
    ],
  ]);
  view = ChangedTree.of(await BaseTree.load(repository.git, commit));
  await checkoutBase(repository.git, { commit, branch: 'work' });
});
afterEach(() => repository[Symbol.asyncDispose]());

async function after(changes: Change[], from = view): Promise<ChangedTree> {
  const outcome = await applyAnswer(from, changes);
  if (outcome.kind !== 'applied') throw new Error(JSON.stringify(outcome));
  return outcome.tree;
}

describe('writeChanges', () => {
  describe('[AR-10.4] refuses the whole change, and touches nothing, where there is', () => {
    const outside = () => join(repository.directory, 'outside');
    const change: Change[] = [
      { operation: 'create', file_path: 'a-first', content: 'x' },
      { operation: 'modify', file_path: 'd/one', content: 'changed' },
      { operation: 'delete', file_path: 'd/two' },
      { operation: 'create', file_path: 'new/x', content: 'x' },
      { operation: 'modify', file_path: 'file', content: 'new' },
    ];
    const shell = (script: string) =>
      execFileSync('sh', ['-euc', script], { cwd: tree, env: { ...process.env, OUTSIDE: outside() } });
    /** Root alone may make devices. */
    const asRoot = process.getuid?.() === 0 ? it : it.skip;

    beforeEach(async () => {
      await mkdir(outside());
      await writeFile(join(outside(), 'one'), 'precious');
    });

    const refuses = async (script: string, what: string, at: string) => {
      shell(script);
      const before = await filesOnDisk(outside());
      const listing = () => execFileSync('ls', ['-lR', '--time-style=full-iso'], { cwd: tree }).toString();
      const asItWas = listing();
      const outcome = await writeChanges(tree, view, await after(change));
      expect(outcome).toMatchObject({ kind: 'obstructed' });
      expect(outcome.kind === 'obstructed' && outcome.obstacles[0]).toMatchObject({ what, at });
      expect(listing()).toBe(asItWas);
      expect(await filesOnDisk(outside())).toEqual(before);
    };

    it.each([
      ['a link in place of a folder', 'rm -r d; ln -s "$OUTSIDE" d', 'a symbolic link', 'd'],
      ['a link in place of a new folder', 'ln -s "$OUTSIDE" new', 'a symbolic link', 'new'],
      ['a dangling link', 'ln -s "$OUTSIDE/none" new', 'a symbolic link', 'new'],
      ['a link in place of a file', 'ln -sf "$OUTSIDE/one" file', 'a symbolic link', 'file'],
      ['a link to what is removed', 'ln -sf "$OUTSIDE/one" d/two', 'a symbolic link', 'd/two'],
      ['a FIFO', 'rm file; mkfifo file', 'a FIFO', 'file'],
      ['a FIFO in place of a folder', 'mkfifo new', 'a FIFO', 'new'],
      ['a hard link', 'ln -f "$OUTSIDE/one" file', 'a file with a second name (hard link)', 'file'],
      ['a hard link within', 'ln file twin', 'a file with a second name (hard link)', 'file'],
    ])('%s', (_name, script, what, at) => refuses(script, what, at));

    asRoot('a device', () => refuses('rm file; mknod file c 1 3', 'a device', 'file'));

    it('a socket', async () => {
      await rm(join(tree, 'file'));
      const server = createServer().listen(join(tree, 'file'));
      await once(server, 'listening');
      await refuses('true', 'a socket', 'file');
      await new Promise((closed) => server.close(closed));
    });
  });

  it('[AR-3.3] removes and replaces links that the repository itself has', async () => {
    const [commit = ''] = await repository.record([
      [
        { path: 'link', mode: '120000', content: 'elsewhere' },
        { path: 'folder', mode: '120000', content: '..' },
      ],
    ]);
    view = ChangedTree.of(await BaseTree.load(repository.git, commit));
    await checkoutBase(repository.git, { commit, branch: 'work' });
    const changed = await after([
      { operation: 'delete', file_path: 'link' },
      { operation: 'delete', file_path: 'folder' },
      { operation: 'create', file_path: 'folder/x', content: 'x' },
    ]);
    expect(await writeChanges(tree, view, changed)).toEqual({ kind: 'written' });
    expect([...(await filesOnDisk(tree)).keys()]).toEqual(['folder/x']);
  });

  it('[AR-2.4] removes leftovers that stand in the way, and nothing else', async () => {
    const outside = await mkdtemp(join(repository.directory, 'outside-'));
    await writeFile(join(outside, 'kept'), '');
    await mkdir(join(tree, 'n/deep/er'), { recursive: true });
    await symlink(outside, join(tree, 'n/deep/link'));
    await chmod(join(tree, 'n/deep/er'), 0);
    await writeFile(join(tree, 'm'), 'leftover');
    await writeFile(join(tree, 'leftover'), 'stays');
    const changed = await after([
      { operation: 'create', file_path: 'n', content: 'a file' },
      { operation: 'create', file_path: 'm/x', content: 'x' },
    ]);
    await writeChanges(tree, view, changed);
    expect(await readFile(join(tree, 'n'), 'utf8')).toBe('a file');
    expect(await readFile(join(tree, 'm/x'), 'utf8')).toBe('x');
    expect(await readFile(join(tree, 'leftover'), 'utf8')).toBe('stays');
    expect(await readdir(outside)).toEqual(['kept']);
  });

  it('[AR-8.3] goes back to the base, emptied directories and modes included', async () => {
    const original = await filesOnDisk(tree);
    const changed = await after([
      { operation: 'delete', file_path: 'd/one' },
      { operation: 'rename', file_path: 'd/two', new_path: 'e/f/two' },
      { operation: 'modify', file_path: 'file', content: 'x', executable: true },
    ]);
    await writeChanges(tree, view, changed);
    expect([...(await filesOnDisk(tree)).keys()].sort()).toEqual(['e/f/two', 'file']);
    expect((await stat(join(tree, 'file'))).mode & 0o777).toBe(0o755);
    await writeChanges(tree, changed, view);
    expect(await filesOnDisk(tree)).toEqual(original);
  });
});

describe('writeChanges as root', () => {
  (process.geteuid?.() === 0 ? it : it.skip)(
    '[AR-9.2] leaves what it writes to the owner of the work tree, so that commands can change it',
    async () => {
      const owner = 1_900_000_000;
      for (const path of ['', 'd', 'd/one', 'd/two', 'file']) await chown(join(tree, path), owner, owner);
      const changed = await after([
        { operation: 'modify', file_path: 'd/one', content: 'changed' },
        { operation: 'create', file_path: 'new/deep/x', content: 'x', executable: true },
      ]);
      await writeChanges(tree, view, changed);
      for (const path of ['d/one', 'new', 'new/deep', 'new/deep/x']) {
        expect({ path, ...(await lstat(join(tree, path))) }).toMatchObject({ path, uid: owner, gid: owner });
      }
      await writeChanges(tree, changed, view);
      expect(await lstat(join(tree, 'd/one'))).toMatchObject({ uid: owner });
    },
  );
});

describe('emptyDirectory', () => {
  it('[AR-2.4] removes a tree deeper than any path may be', async () => {
    let inner = 'x';
    await mkdir(join(tree, inner));
    for (let depth = 0; depth < 60; depth += 1) {
      const wrapper = `w${depth}-${'y'.repeat(90)}`;
      await mkdir(join(tree, wrapper));
      await rename(join(tree, inner), join(tree, wrapper, 'y'.repeat(90)));
      inner = wrapper;
    }
    await emptyDirectory(tree);
    expect(await readdir(tree)).toEqual([]);
  });
});
