import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Change } from '@necrocode/contracts';
import { applyAnswer } from './change-set.js';
import { BaseTree } from './base-tree.js';
import { ChangedTree } from './changed-tree.js';
import { checkoutBase } from './checkout.js';
import { buildCommit, bundle, changedFiles, diffOf, restoreBundle, type CommitRequest } from './commit.js';
import { filesOnDisk, SpecRepository } from './spec-repository.js';

let repository: SpecRepository;
let request: CommitRequest;
let base: string;

beforeEach(async () => {
  repository = await SpecRepository.create();
  [base = ''] = await repository.record([
    [
      { path: '.gitattributes', content: '*.txt diff=evil text eol=crlf\n' },
      { path: '.gitignore', content: 'ignored\n' },
      { path: 'a.txt', content: 'a\n' },
      { path: 'long.txt', content: 'a text that is long enough to be found\nagain after a rename\n' },
      { path: 'bin', content: Buffer.from([0, 1, 2]) },
    ],
  ]);
  const changes: Change[] = [
    { operation: 'modify', file_path: 'a.txt', content: 'b\r\nc' },
    { operation: 'rename', file_path: 'long.txt', new_path: 'sub/long.txt' },
    { operation: 'modify', file_path: 'bin', content: 'AAECAwQF/w==', encoding: 'base64' },
    { operation: 'create', file_path: 'ignored', content: 'in all the same' },
  ];
  const outcome = await applyAnswer(ChangedTree.of(await BaseTree.load(repository.git, base)), changes);
  if (outcome.kind !== 'applied') throw new Error(JSON.stringify(outcome));
  request = {
    base,
    branch: 'feature/task-s-1',
    overlay: outcome.tree.overlay,
    message: 'feat(task-1): Ünïcode "title"\n\nTask-Key: s/1\nRun: 1\n',
    author: { name: 'Necro <x>', email: 'n@example.org' },
    date: new Date('2026-01-02T03:04:05Z'),
  };
});
afterEach(() => repository[Symbol.asyncDispose]());

describe('buildCommit', () => {
  it('[AR-5.1] commits the change set whatever lies in the work tree, [AR-5.3] as one commit', async () => {
    const { git, workTree } = repository;
    await checkoutBase(git, { commit: base, branch: request.branch });
    await writeFile(join(workTree, 'a.txt'), 'spoilt by a test');
    await writeFile(join(workTree, 'leftover'), 'x');
    const { commit, tree } = await buildCommit(git, request);
    expect(await repository.treeOf(commit)).toBe(tree);
    const log = await git.pipe([
      'log',
      '--format=%H %P%n%an <%ae> %aI%n%B',
      `refs/heads/${request.branch}`,
      `^${base}`,
    ]);
    expect(log.toString()).toBe(
      `${commit} ${base}\nNecro x <n@example.org> 2026-01-02T03:04:05+00:00\n${request.message}\n`,
    );
    const files = await changedFiles(git, base, commit);
    expect(files).toEqual([
      { status: 'modified', path: 'a.txt' },
      { status: 'modified', path: 'bin' },
      { status: 'added', path: 'ignored' },
      { status: 'renamed', oldPath: 'long.txt', path: 'sub/long.txt' },
    ]);
  });

  it('[AR-5.1] can end in an empty tree', async () => {
    const { git } = repository;
    const view = ChangedTree.of(await BaseTree.load(git, base));
    const all: Change[] = [...view.paths()].map((file_path) => ({ operation: 'delete', file_path }));
    const outcome = await applyAnswer(view, all);
    if (outcome.kind !== 'applied') throw new Error(outcome.kind);
    const { commit, tree } = await buildCommit(git, { ...request, overlay: outcome.tree.overlay });
    expect(tree).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904');
    expect(await repository.treeOf(commit)).toBe(tree);
  });

  it('[AR-5.2] makes the same commit from the same input, a second time too', async () => {
    const first = await buildCommit(repository.git, request);
    expect(await buildCommit(repository.git, request)).toEqual(first);
    const other = await buildCommit(repository.git, { ...request, message: 'other' });
    expect(other.tree).toBe(first.tree);
    expect(other.commit).not.toBe(first.commit);
  });
});

describe('diffOf', () => {
  it('[AR-3.5] is a patch that git apply turns into the same files, without any program of the repository', async () => {
    const { git, workTree, directory } = repository;
    const marker = join(directory, 'ran');
    await git.pipe(['config', 'diff.evil.command', `touch ${marker}`]);
    await git.pipe(['config', 'diff.evil.textconv', `touch ${marker}; cat`]);
    await checkoutBase(git, { commit: base, branch: 'x' });
    const { commit } = await buildCommit(git, request);
    const patch = await diffOf(git, base, commit);
    expect(patch.toString()).toContain('diff --git a/a.txt b/a.txt');
    const file = join(directory, 'p.patch');
    await writeFile(file, patch);
    await promisify(execFile)('git', ['apply', file], {
      cwd: workTree,
      env: { ...process.env, GIT_CEILING_DIRECTORIES: directory },
    });
    const patched = await filesOnDisk(workTree);
    await checkoutBase(git, { commit, branch: 'y' });
    expect(patched).toEqual(await filesOnDisk(workTree));
    await expect(readFile(marker)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('bundle', () => {
  it('[AR-5.4] brings the commit to a repository that has only the base', async () => {
    await using other = await SpecRepository.create();
    const { commit } = await buildCommit(repository.git, request);
    const file = join(repository.directory, 'commit.bundle');
    await bundle(repository.git, request, file);
    await other.git.pipe(['fetch', '--quiet', '--', repository.git.place.gitDir, 'refs/heads/recorded']);
    expect(await restoreBundle(other.git, file)).toBe(commit);
    expect((await other.git.pipe(['cat-file', '-t', commit])).toString()).toBe('commit\n');
  });

  it('[AR-8.4] says git_failed for a bundle that is damaged', async () => {
    const file = join(repository.directory, 'bad.bundle');
    await mkdir(repository.directory, { recursive: true });
    await writeFile(file, 'not a bundle');
    await expect(restoreBundle(repository.git, file)).rejects.toMatchObject({ code: 'git_failed' });
  });
});
