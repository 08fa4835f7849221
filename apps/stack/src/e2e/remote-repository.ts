import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tempDir } from '@necrocode/testkit';
import { plainGit, publishFolder } from '../plain-git.js';

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
    repository.write(files);
    publishFolder(repository.clone, repository.path);
    return repository;
  }

  /** Standard output of git on the remote, trimmed. */
  git(...args: string[]): string {
    return plainGit(this.path, ...args).trim();
  }

  /** Somebody else's commit on a branch, on top of main. Returns its hash. */
  push(branch: string, files: Readonly<Record<string, string>>): string {
    plainGit(this.clone, 'checkout', '--quiet', '-B', branch, 'main');
    this.write(files);
    plainGit(this.clone, 'add', '--all');
    plainGit(this.clone, 'commit', '--quiet', `--message=on ${branch}`);
    plainGit(this.clone, 'push', '--quiet', this.path, `HEAD:refs/heads/${branch}`);
    return plainGit(this.clone, 'rev-parse', 'HEAD').trim();
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
