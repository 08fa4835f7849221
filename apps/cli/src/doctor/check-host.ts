import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { diagnoseHost, probeSandbox } from '@necrocode/sandbox';
import { fail, ok, warn, type Check } from './check.js';

/** The git that the documented flags need; what was tried with the pipeline is newer. */
const oldestGit = [2, 30] as const;

/** This machine, as the host of a runner. */
export function checkHost(): Promise<Check[]> {
  return Promise.all([checkGit(), checkSandbox()]);
}

/** @param text what `git --version` prints */
export function judgeGit(text: string): Check {
  const match = /(\d+)\.(\d+)(?:\.\d+)?/.exec(text);
  if (!match)
    return warn(
      'git',
      `its version is not readable: ${text.trim().slice(0, 80)}`,
      'install git from git-scm.com',
    );
  const [version, major, minor] = [match[0], Number(match[1]), Number(match[2])];
  const isNew = major > oldestGit[0] || (major === oldestGit[0] && minor >= oldestGit[1]);
  return isNew
    ? ok('git', version)
    : warn('git', `${version} is old`, `install ${oldestGit.join('.')} or newer`);
}

async function checkGit(): Promise<Check> {
  try {
    const { stdout } = await promisify(execFile)('git', ['--version'], { timeout: 4_000 });
    return judgeGit(stdout);
  } catch {
    return fail('git', 'not found on PATH', 'install git, runners need it');
  }
}

async function checkSandbox(): Promise<Check> {
  try {
    const { level, detail } = await probeSandbox();
    if (level === 'full') return ok('sandbox', detail);
    const lacks = await diagnoseHost();
    const remedies = lacks.map(({ what, remedy }) => `${what}: ${remedy}`);
    remedies.push(`or let SANDBOX_REQUIRED=${level} allow the lower level`);
    return warn('sandbox', detail, remedies.join('\n'));
  } catch (error) {
    const detail = error instanceof Error ? error.message : 'no command can be run';
    return fail('sandbox', detail, 'install bubblewrap (Debian/Ubuntu: apt-get install bubblewrap)');
  }
}
