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
  it('[AR-10.4] does not follow a symbolic link that stands in place of a directory', async () => {
    const outside = await mkdtemp(join(repository.directory, 'outside-'));
    await writeFile(join(outside, 'one'), 'precious');
    await rm(join(tree, 'd'), { recursive: true });
    await symlink(outside, join(tree, 'd'));
    await symlink(outside, join(tree, 'new'));
    const changed = await after([
      { operation: 'modify', file_path: 'd/one', content: 'changed' },
      { operation: 'delete', file_path: 'd/two' },
      { operation: 'create', file_path: 'new/x', content: 'x' },
    ]);
    await writeChanges(tree, view, changed);
    expect(await readdir(outside)).toEqual(['one']);
    expect(await readFile(join(outside, 'one'), 'utf8')).toBe('precious');
    expect(await readFile(join(tree, 'd/one'), 'utf8')).toBe('changed');
  });

  it('[AR-10.4] replaces a symbolic link that stands in place of a file', async () => {
    const outside = join(repository.directory, 'precious');
    await writeFile(outside, 'precious');
    await rm(join(tree, 'file'));
    await symlink(outside, join(tree, 'file'));
    await writeChanges(tree, view, await after([{ operation: 'modify', file_path: 'file', content: 'new' }]));
    expect(await readFile(outside, 'utf8')).toBe('precious');
    expect(await readFile(join(tree, 'file'), 'utf8')).toBe('new');
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
