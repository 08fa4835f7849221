import { execFileSync } from 'node:child_process';

/** Makes git independent of whose machine it runs on: no settings of the user, an identity of its own. */
export const plainGitEnvironment = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Sample',
  GIT_AUTHOR_EMAIL: 'sample@necrocode.invalid',
  GIT_COMMITTER_NAME: 'Sample',
  GIT_COMMITTER_EMAIL: 'sample@necrocode.invalid',
};

/** Runs git as a person would, for repositories that are made here. Returns what it printed. */
export function plainGit(cwd: string, ...args: string[]): string {
  const env = { ...process.env, ...plainGitEnvironment };
  return execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: 'pipe' });
}

/** Turns a folder into a repository with one commit on main, and clones it to a bare one. */
export function publishFolder(project: string, bare: string): void {
  plainGit(project, 'init', '--quiet', '--initial-branch=main');
  plainGit(project, 'add', '--all');
  plainGit(project, 'commit', '--quiet', '--message=base');
  plainGit(project, 'clone', '--quiet', '--bare', project, bare);
}
