import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tempDir } from './temp-dir.js';

/** A repository whose branch main holds one commit with these files, independent of the machine's settings. */
export class GitRepository {
  readonly path = tempDir('necrocode-repository-');

  constructor(files: Readonly<Record<string, string>>) {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, path)), { recursive: true });
      writeFileSync(join(this.path, path), text);
    }
    this.git('init', '--quiet', '--initial-branch=main');
    this.git('add', '--all', '--force');
    this.git('commit', '--quiet', '--message=base');
  }

  /** Standard output of git in the repository, trimmed. */
  git(...args: string[]): string {
    const identity = { name: 'Spec', email: 'spec@necrocode.invalid' };
    const env = {
      ...process.env,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: identity.name,
      GIT_AUTHOR_EMAIL: identity.email,
      GIT_COMMITTER_NAME: identity.name,
      GIT_COMMITTER_EMAIL: identity.email,
    };
    return execFileSync('git', args, { cwd: this.path, env, encoding: 'utf8', stdio: 'pipe' }).trim();
  }
}
