import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { plainGit, publishFolder } from '@necrocode/stack';
import { gitEnvironment } from '../process-environment.js';
import { answerFile } from '../task-document.js';

const run = promisify(execFile);

/** A branch of a task's remote as it stands. */
export interface RemoteBranch {
  readonly name: string;
  readonly commit: string;
  readonly tree: string;
  /** Commits on it that main does not have. */
  readonly ownCommits: number;
  /** Blob ids by path. */
  readonly files: ReadonlyMap<string, string>;
}

/** A movement of a branch, as the remote's hook wrote it down: also of one that has been overwritten since. */
export interface RefUpdate {
  readonly ref: string;
  readonly from: string;
  readonly to: string;
}

const hooks = {
  'pre-receive': heldHook('pre_receive', ''),
  // Who pushed what: kept by the remote itself, whatever happens to the pusher.
  'post-receive': heldHook('post_receive', 'cat >> updates.log\n'),
};

/** Bare repositories, one for each task, all made from the same template. */
export class GitRepositories {
  private readonly template: string;
  private readonly laterBase: string;

  constructor(readonly root: string) {
    const project = join(root, '.project');
    this.template = join(root, '.template.git');
    mkdirSync(join(project, 'src'), { recursive: true });
    writeFileSync(join(project, answerFile), '41\n');
    writeFileSync(join(project, 'README.md'), 'A repository to be hurt.\n');
    publishFolder(project, this.template);
    const base = plainGit(project, 'rev-parse', 'HEAD').trim();
    writeFileSync(join(project, 'NEWS.md'), 'The base has moved on.\n');
    plainGit(project, 'add', '--all');
    plainGit(project, 'commit', '--quiet', '--message=news');
    this.laterBase = plainGit(project, 'rev-parse', 'HEAD').trim();
    plainGit(project, 'push', '--quiet', this.template, 'HEAD:refs/heads/main');
    rmSync(join(this.template, 'packed-refs'), { force: true });
    this.writeMain(this.template, base);
    rmSync(join(this.template, 'hooks'), { recursive: true, force: true });
    mkdirSync(join(this.template, 'hooks'));
    for (const [name, script] of Object.entries(hooks)) {
      writeFileSync(join(this.template, 'hooks', name), script, { mode: 0o755 });
    }
  }

  /** Makes the remote of a task. */
  create(key: string): void {
    cpSync(this.template, this.pathOf(key), { recursive: true });
  }

  pathOf(key: string): string {
    return join(this.root, `${key}.git`);
  }

  /** Moves main on, so that who saw it before has to fetch. */
  advanceBase(key: string): void {
    this.writeMain(this.pathOf(key), this.laterBase);
  }

  async branches(key: string): Promise<RemoteBranch[]> {
    const listed = await this.git(
      key,
      'for-each-ref',
      '--format=%(refname:short) %(objectname) %(tree)',
      'refs/heads',
    );
    const others = listed.split('\n').filter((line) => line !== '' && !line.startsWith('main '));
    return Promise.all(
      others.map(async (line) => {
        const [name = '', commit = '', tree = ''] = line.split(' ');
        const [count, files] = await Promise.all([
          this.git(key, 'rev-list', '--count', commit, '^refs/heads/main'),
          this.files(key, commit),
        ]);
        return { name, commit, tree, ownCommits: Number(count), files };
      }),
    );
  }

  /** The files of a commit: blob ids by path. */
  async files(key: string, commit: string): Promise<ReadonlyMap<string, string>> {
    const listed = await this.git(key, 'ls-tree', '-r', commit);
    const entries = Array.from(
      listed.matchAll(/^\d+ blob ([0-9a-f]+)\t(.*)$/gm),
      ([, blob = '', path = '']) => [path, blob] as const,
    );
    return new Map(entries);
  }

  parentOf(key: string, commit: string): Promise<string> {
    return this.git(key, 'rev-parse', `${commit}^`).then((text) => text.trim());
  }

  /** Every update of a branch, the oldest first. */
  updates(key: string): RefUpdate[] {
    const file = join(this.pathOf(key), 'updates.log');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [from = '', to = '', ref = ''] = line.split(' ');
        return { from, to, ref };
      });
  }

  remove(key: string): void {
    rmSync(this.pathOf(key), { recursive: true, force: true });
  }

  private async git(key: string, ...args: string[]): Promise<string> {
    const { stdout } = await run('git', ['--git-dir', this.pathOf(key), ...args], { env: gitEnvironment });
    return stdout;
  }

  private writeMain(gitDir: string, commit: string): void {
    mkdirSync(join(gitDir, 'refs/heads'), { recursive: true });
    writeFileSync(join(gitDir, 'refs/heads/main'), `${commit}\n`);
  }
}

/** A hook that stays in the middle as long as its `held-…` file is there, once, when it is asked to. */
function heldHook(point: string, first: string): string {
  return `#!/bin/sh
${first}mv hold-${point} "held-${point}.$$" 2>/dev/null || exit 0
while [ -e "held-${point}.$$" ]; do sleep 0.02; done
`;
}
