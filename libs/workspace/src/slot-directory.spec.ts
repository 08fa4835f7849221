import { execFileSync } from 'node:child_process';
import {
  lstat,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
  chmod,
  mkdir,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Git } from './git.js';
import { createSlotDirectory } from './slot-directory.js';

/** Every attribute that makes git change bytes on checkout, in the repository's own hand. */
const hostileAttributes = [
  '*.txt text eol=crlf',
  '*.auto text=auto eol=crlf',
  '*.legacy crlf=input',
  '*.id ident',
  '*.lfs filter=evil diff=evil merge=evil -text',
  '*.u16 text working-tree-encoding=UTF-16LE',
  '*.subst export-subst',
  '[attr]text filter=evil',
  '',
].join('\n');

const files: Record<string, string> = {
  '.gitattributes': hostileAttributes,
  'unix.txt': 'a\nb\n',
  'dos.txt': 'a\r\nb\r\n',
  'mixed.auto': 'a\r\nb\nc\r',
  'old.legacy': 'a\r\nb\n',
  'keyword.id': 'v $Id$ w $Id: something$\n',
  'big.lfs': 'version https://git-lfs.github.com/spec/v1\n',
  'wide.u16': 'plain utf-8: ü\n',
  'archive.subst': '$Format:%H$\n',
  'nul.bin': 'a\0b\r\n\0',
  'back\\slash "quote" ü\tand\ntab': 'odd name\n',
  'git~1': 'a short name of Windows\n',
  'dir/UPPER': 'one\n',
  'dir/upper': 'two\n',
  '-dash': 'starts like an option\n',
};

describe('createSlotDirectory', () => {
  let root: string;
  let mirror: string;
  let commit: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'slot-directory-'));
    ({ mirror, commit } = await makeMirror(root, 'sha1'));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it('[AR-2.2] checks out exactly the committed bytes, whatever .gitattributes say', async () => {
    const slot = await createSlotDirectory({ directory: join(root, 'exact'), borrowFrom: mirror, commit });
    for (const [name, content] of Object.entries(files)) {
      expect([name, await readFile(join(slot.workTree, name), 'utf8')]).toEqual([name, content]);
    }
    expect((await lstat(join(slot.workTree, 'run.sh'))).mode & 0o111).not.toBe(0);
    expect((await lstat(join(slot.workTree, 'unix.txt'))).mode & 0o111).toBe(0);
    expect(await readlink(join(slot.workTree, 'link'))).toBe('/etc/hostname');
  });

  it('[AR-2.1] keeps the git dir outside the tree and leaves an index that matches', async () => {
    const slot = await createSlotDirectory({ directory: join(root, 'clean'), borrowFrom: mirror, commit });
    const git = new Git(slot, { protocols: [] });
    expect(await readdir(slot.workTree)).not.toContain('.git');
    expect((await git.pipe(['status', '--porcelain=v1', '--ignored'])).toString()).toBe('');
    expect((await git.pipe(['rev-parse', 'HEAD'])).toString().trim()).toBe(commit);
  });

  it('[AR-2.1] borrows objects instead of copying them and shares no refs', async () => {
    const slot = await createSlotDirectory({ directory: join(root, 'borrow'), borrowFrom: mirror, commit });
    const git = new Git(slot, { protocols: [] });
    expect((await git.pipe(['count-objects', '-v'])).toString()).toMatch(/^count: 0$[^]*^in-pack: 0$/m);
    expect((await git.pipe(['for-each-ref'])).toString()).toBe('');
  });

  it('[AR-2.5] is a repository like any other: the slot can commit', async () => {
    const slot = await createSlotDirectory({ directory: join(root, 'commit'), borrowFrom: mirror, commit });
    const git = new Git(slot, { protocols: [] });
    await writeFile(join(slot.workTree, 'dos.txt'), 'changed\r\n');
    await git.pipe(['add', '-A']);
    const tree = (await git.pipe(['write-tree'])).toString().trim();
    expect((await git.pipe(['cat-file', 'blob', `${tree}:dos.txt`])).toString()).toBe('changed\r\n');
  });

  it('[AR-2.1] speaks no protocol unless the caller names it', async () => {
    const slot = await createSlotDirectory({ directory: join(root, 'silent'), borrowFrom: mirror, commit });
    const bare = () =>
      execFileSync('git', [`--git-dir=${slot.gitDir}`, 'ls-remote', `file://${mirror}`], { stdio: 'pipe' });
    expect(bare).toThrow(/not allowed/);
    const allowed = new Git(slot, { protocols: ['file'] });
    expect((await allowed.pipe(['ls-remote', `file://${mirror}`])).toString()).toContain(commit);
  });

  it('[AR-2.1] makes an empty slot when there is no commit to check out', async () => {
    const slot = await createSlotDirectory({ directory: join(root, 'empty') });
    expect(slot.commit).toBe('');
    expect(await readdir(slot.workTree)).toEqual([]);
    expect((await new Git(slot, { protocols: [] }).pipe(['status', '--porcelain'])).toString()).toBe('');
  });

  it('[AR-2.1] reads repositories with SHA-256 object names', async () => {
    const other = await makeMirror(join(root, 'sha256'), 'sha256');
    expect(other.commit).toHaveLength(64);
    const slot = await createSlotDirectory({
      directory: join(root, 'sha256', 'slot'),
      borrowFrom: other.mirror,
      commit: other.commit,
    });
    expect(await readFile(join(slot.workTree, 'dos.txt'), 'utf8')).toBe('a\r\nb\r\n');
  });

  it('[AR-14.2] never takes a directory that exists', async () => {
    const directory = join(root, 'taken');
    await mkdir(directory);
    await expect(createSlotDirectory({ directory })).rejects.toMatchObject({ code: 'workspace_failed' });
  });
});

/** A bare repository that holds `files` byte for byte, an executable and a symbolic link. */
async function makeMirror(directory: string, format: string): Promise<{ mirror: string; commit: string }> {
  const work = join(directory, 'source');
  await mkdir(work, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(work, name)), { recursive: true });
    await writeFile(join(work, name), content);
  }
  await writeFile(join(work, 'run.sh'), '#!/bin/sh\n');
  await chmod(join(work, 'run.sh'), 0o755);
  await symlink('/etc/hostname', join(work, 'link'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', work, '-c', 'core.protectNTFS=false', ...args], { stdio: 'pipe' })
      .toString()
      .trim();
  git('init', '-q', '-b', 'main', `--object-format=${format}`);
  // Outranks .gitattributes here as well, so that what is committed is what was written.
  await writeFile(
    join(work, '.git', 'info', 'attributes'),
    '* -text -ident -filter !eol !working-tree-encoding\n',
  );
  git('add', '-A');
  git('-c', 'user.name=t', '-c', 'user.email=t@example.org', 'commit', '-q', '-m', 'bytes');
  const mirror = join(directory, 'mirror.git');
  git('clone', '-q', '--bare', work, mirror);
  return { mirror, commit: git('rev-parse', 'HEAD') };
}
