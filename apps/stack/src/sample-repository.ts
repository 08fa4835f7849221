import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { workspaceRoot } from './workspace-root.js';

/** Makes a bare repository with the sample project as its first commit. Returns its absolute path. */
export function makeSampleRepository(dataDir: string): string {
  const remote = join(dataDir, 'sample.git');
  const project = join(dataDir, 'sample-project');
  mkdirSync(dataDir, { recursive: true });
  cpSync(join(workspaceRoot, 'examples/sample/repository'), project, { recursive: true });
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: project, env: { ...process.env, ...identity }, stdio: 'pipe' });
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message=A greeting service');
  git('clone', '--quiet', '--bare', project, remote);
  return remote;
}

/** The demonstration must not depend on, or use, the user's own git settings. */
const identity = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Sample',
  GIT_AUTHOR_EMAIL: 'sample@necrocode.invalid',
  GIT_COMMITTER_NAME: 'Sample',
  GIT_COMMITTER_EMAIL: 'sample@necrocode.invalid',
};
