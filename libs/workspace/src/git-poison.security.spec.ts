import { jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GitRepository, tempDir } from '@necrocode/testkit';
import { BaseTree } from './base-tree.js';
import { applyAnswer } from './change-set.js';
import { ChangedTree } from './changed-tree.js';
import { checkoutBase } from './checkout.js';
import { buildCommit, bundle, changedFiles, diffOf, restoreBundle } from './commit.js';
import { Git } from './git.js';
import { GitDirSeal } from './git-dir-seal.js';
import { pushCommit } from './push.js';
import { fetchCommit, lookAtRemote } from './remote.js';
import { createSlotDirectory } from './slot-directory.js';
import { poison, poisonPrelude } from './spec-poison.js';
import { emptyDirectory, writeChanges } from './write-changes.js';

jest.setTimeout(600_000);

const names = Object.keys(poison);
const author = { name: 'Spec', email: 'spec@necrocode.invalid' };

/** A remote, and a program that leaves a mark wherever it is run. */
class Scene {
  readonly directory = tempDir('poison-');
  readonly remote = join(this.directory, 'remote.git');
  readonly home = join(this.directory, 'home');
  readonly marks = join(this.directory, 'marks');
  readonly evil = join(this.directory, 'evil');
  readonly base: string;

  constructor() {
    mkdirSync(this.home);
    mkdirSync(this.marks);
    writeFileSync(this.evil, `#!/bin/sh\n: > '${this.marks}/fired'\nexit 1\n`);
    chmodSync(this.evil, 0o755);
    const seed = new GitRepository({ 'a.txt': 'one\n', 'b.txt': 'two\n' });
    this.base = seed.git('rev-parse', 'HEAD');
    seed.git('clone', '--quiet', '--bare', seed.path, this.remote);
  }

  /** What a test command does: whatever it wants, in the work tree. */
  plant(vector: string, tree: string, gitDir: string): void {
    const env = { ...this.environment, G: gitDir, EVIL: this.evil, REMOTE: this.remote };
    execFileSync('sh', ['-c', `${poisonPrelude}; ${poison[vector]}`], { cwd: tree, env, stdio: 'pipe' });
  }

  get fired(): boolean {
    return readdirSync(this.marks).length > 0;
  }

  /** Git as somebody would run it in a workspace; what fails does not matter, what runs does. */
  plainGit(cwd: string, ...args: string[]): void {
    try {
      execFileSync('git', args, { cwd, env: this.environment, stdio: 'pipe', timeout: 30_000 });
    } catch {
      // The program of the poison fails, and git with it.
    }
  }

  private get environment() {
    return {
      PATH: process.env.PATH,
      HOME: this.home,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: author.name,
      GIT_AUTHOR_EMAIL: author.email,
      GIT_COMMITTER_NAME: author.name,
      GIT_COMMITTER_EMAIL: author.email,
    };
  }
}

/** A clone with its `.git`, in which a task's git works on after the task's command. */
function firesWithPlainGit(vector: string): boolean {
  const scene = new Scene();
  const tree = join(scene.directory, 'clone');
  scene.plainGit(scene.directory, 'clone', '--quiet', scene.remote, tree);
  scene.plant(vector, tree, join(tree, '.git'));
  writeFileSync(join(tree, 'a.txt'), 'changed\n');
  const sequence = [
    ['status'],
    ['diff'],
    ['checkout', '--quiet', '-b', 'work'],
    ['add', '--all'],
    ['status'],
    ['commit', '--quiet', '--message=m'],
    ['commit', '--quiet', '--amend', '--message=n'],
    ['show'],
    ['checkout', '--quiet', '--force', 'HEAD~1', '--', '.'],
    ['fetch', 'origin'],
    ['push', 'origin', 'HEAD:refs/heads/work'],
  ];
  for (const args of sequence) if (!scene.fired) scene.plainGit(tree, ...args);
  return scene.fired;
}

/**
 * All that a task does with git, the poison planted between the checkout and the rest, and the next task on
 * what it left.
 *
 * @param reach `tree`: the command reaches its work tree, and makes a repository there; `slot`: it reaches the
 *   git dir beside it as well, which only a sandbox below `full` permits
 */
async function firesWithOurs(vector: string, reach: 'tree' | 'slot'): Promise<boolean> {
  const scene = new Scene();
  const slot = await createSlotDirectory({ directory: join(scene.directory, 'slot') });
  const options = { protocols: ['file'], seal: GitDirSeal.take(slot.gitDir) };
  const before = process.env.HOME;
  process.env.HOME = scene.home;
  try {
    const git = new Git(slot, options);
    await play(git, scene, 'work', () => {
      const inTree = join(slot.workTree, '.git');
      if (!existsSync(inTree)) scene.plainGit(slot.workTree, 'init', '--quiet');
      scene.plant(vector, slot.workTree, reach === 'tree' ? inTree : slot.gitDir);
    });
    // The next task of the slot, on its leftovers.
    await play(git, scene, 'next', () => undefined);
    await emptyDirectory(slot.workTree);
  } finally {
    process.env.HOME = before;
  }
  return scene.fired;
}

async function play(git: Git, scene: Scene, branch: string, command: () => void): Promise<void> {
  const workTree = git.place.workTree ?? '';
  const { baseCommit } = await lookAtRemote(git, scene.remote, { branch });
  await fetchCommit(git, scene.remote, { commit: baseCommit, branch: 'main' });
  await checkoutBase(git, { commit: baseCommit, branch });
  const view = ChangedTree.of(await BaseTree.load(git, baseCommit));
  command();
  const outcome = await applyAnswer(view, [
    { operation: 'modify', file_path: 'a.txt', edits: [{ search: 'one', replace: branch }] },
    { operation: 'create', file_path: `${branch}.txt`, content: 'new\n' },
  ]);
  if (outcome.kind !== 'applied') throw new Error(JSON.stringify(outcome));
  expect(await writeChanges(workTree, view, outcome.tree)).toEqual({ kind: 'written' });
  const { overlay } = outcome.tree;
  const { commit } = await buildCommit(git, {
    base: baseCommit,
    branch,
    overlay,
    message: 'm',
    author,
    date: new Date(0),
  });
  expect((await diffOf(git, baseCommit, commit)).toString()).toContain(`+${branch}`);
  expect(await changedFiles(git, baseCommit, commit)).toHaveLength(2);
  const file = join(git.place.gitDir, `${branch}.bundle`);
  await bundle(git, { base: baseCommit, branch }, file);
  expect(await restoreBundle(git, file)).toBe(commit);
  expect(await pushCommit(git, scene.remote, { commit, branch })).toEqual({ kind: 'pushed' });
}

it(`[AR-10.4] none of ${names.length} poisons of git fires, wherever it is put`, async () => {
  const seen: Record<'vector' | 'plain git' | 'in the work tree' | 'in the git dir', string | boolean>[] = [];
  for (const vector of names) {
    seen.push({
      vector,
      'plain git': firesWithPlainGit(vector),
      'in the work tree': await firesWithOurs(vector, 'tree'),
      'in the git dir': await firesWithOurs(vector, 'slot'),
    });
  }
  const count = (column: keyof (typeof seen)[number]) => seen.filter((row) => row[column] === true).length;
  const plain = count('plain git');
  console.table(seen);
  console.log(
    `fired, of ${names.length}: plain git ${plain}, ours ${count('in the work tree')} (work tree), ${count('in the git dir')} (git dir)`,
  );
  expect(seen.filter((row) => row['in the work tree'] || row['in the git dir'])).toEqual([]);
  // Otherwise the poisons would prove nothing.
  expect(plain).toBeGreaterThanOrEqual(20);
});
