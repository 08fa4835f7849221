import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tempDir } from '@necrocode/testkit';

const identity = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Spec',
  GIT_AUTHOR_EMAIL: 'spec@necrocode.invalid',
  GIT_COMMITTER_NAME: 'Spec',
  GIT_COMMITTER_EMAIL: 'spec@necrocode.invalid',
};

/** A bare repository on disk, as the remote of a task. */
export class RemoteRepository {
  private constructor(
    readonly path: string,
    private readonly clone: string,
  ) {}

  /** Makes a remote whose branch main holds one commit with these files. */
  static make(files: Readonly<Record<string, string>>): RemoteRepository {
    const folder = tempDir('necrocode-remote-');
    const repository = new RemoteRepository(join(folder, 'remote.git'), join(folder, 'clone'));
    mkdirSync(repository.clone);
    run(repository.clone, 'init', '--quiet', '--initial-branch=main');
    repository.write(files);
    run(repository.clone, 'add', '--all');
    run(repository.clone, 'commit', '--quiet', '--message=base');
    run(folder, 'clone', '--quiet', '--bare', repository.clone, repository.path);
    return repository;
  }

  /** Standard output of git on the remote, trimmed. */
  git(...args: string[]): string {
    return run(this.path, ...args).trim();
  }

  /** Somebody else's commit on a branch, on top of main. Returns its hash. */
  push(branch: string, files: Readonly<Record<string, string>>): string {
    run(this.clone, 'checkout', '--quiet', '-B', branch, 'main');
    this.write(files);
    run(this.clone, 'add', '--all');
    run(this.clone, 'commit', '--quiet', `--message=on ${branch}`);
    run(this.clone, 'push', '--quiet', this.path, `HEAD:refs/heads/${branch}`);
    return run(this.clone, 'rev-parse', 'HEAD').trim();
  }

  /** A hook of the remote, a shell script. */
  hook(name: string, script: string): void {
    const file = join(this.path, 'hooks', name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }

  commitsOn(branch: string): number {
    return Number(this.git('rev-list', '--count', branch, '^main'));
  }

  has(branch: string): boolean {
    return this.git('for-each-ref', `refs/heads/${branch}`) !== '';
  }

  private write(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.clone, path)), { recursive: true });
      writeFileSync(join(this.clone, path), text);
    }
  }
}

function run(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd,
    env: { ...process.env, ...identity },
    encoding: 'utf8',
    stdio: 'pipe',
  });
}
