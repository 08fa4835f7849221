import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { RunnerError, type SandboxLevel } from '@necrocode/contracts';
import { systemView } from './bubblewrap.js';
import { freeUserIds } from './command-user.js';
import { findToolchains } from './host-toolchains.js';
import { prepareLaunch, type Host, type Launcher } from './launcher.js';
import { runLaunch } from './run-launch.js';
import { seccompFilter } from './seccomp/seccomp-filter.js';

export interface SandboxProbe {
  readonly level: SandboxLevel;
  /** What was found, and why nothing better works, in one line. */
  readonly detail: string;
  readonly launcher: Launcher;
}

/** Finds the highest level that works on this host, by running a real command at each. */
export async function probeSandbox(environment: NodeJS.ProcessEnv = process.env): Promise<SandboxProbe> {
  const host = await findHost(environment);
  const failures: string[] = [];
  for (const launcher of await launchers(environment)) {
    const failure = await whyNot(launcher, host);
    if (failure === undefined) {
      const detail = [describe(launcher), ...failures].join('; ');
      return { level: launcher.level, detail, launcher };
    }
    failures.push(`${describe(launcher)}: ${failure}`);
  }
  throw new RunnerError('sandbox_unavailable', `no command can be run on this host (${failures.join('; ')})`);
}

/** Every way that this host may have to start a command, the best first. */
export async function launchers(environment: NodeJS.ProcessEnv = process.env): Promise<Launcher[]> {
  const bwrap = await locate('bwrap', environment);
  const unshare = await locate('unshare', environment);
  const found: Launcher[] = [];
  const isRoot = process.getuid?.() === 0;
  if (bwrap !== undefined) {
    const full = { kind: 'bubblewrap', level: 'full', program: bwrap } as const;
    const setpriv = isRoot ? await locate('setpriv', environment) : undefined;
    if (setpriv !== undefined) {
      found.push({ ...full, userNamespace: false, users: { setpriv, ...freeUserIds() } });
    }
    found.push({ ...full, userNamespace: true });
    // Root stays root without one.
    if (!isRoot) found.push({ ...full, userNamespace: false });
    found.push({ kind: 'bubblewrap', level: 'pid', program: bwrap });
  }
  if (unshare !== undefined) {
    found.push({ kind: 'unshare', level: 'pid', program: unshare, userNamespace: false });
    found.push({ kind: 'unshare', level: 'pid', program: unshare, userNamespace: true });
  }
  return [...found, { kind: 'group', level: 'none' }];
}

export async function findHost(environment: NodeJS.ProcessEnv): Promise<Host> {
  const [toolchains, prlimit, boundsMemoryFiles, online, offline] = await Promise.all([
    findToolchains(environment),
    locate('prlimit', environment),
    knowsSizes(environment),
    systemView(true),
    systemView(false),
  ]);
  // Whoever finds control groups puts a milder one in its place.
  const filter = seccompFilter(process.arch, true);
  return { environment, toolchains, system: { online, offline }, prlimit, boundsMemoryFiles, filter };
}

function describe(launcher: Launcher): string {
  switch (launcher.kind) {
    case 'bubblewrap':
      if (launcher.level === 'full' && launcher.users) return 'full by bwrap, as users of their own';
      return launcher.level === 'full' && !launcher.userNamespace
        ? 'full by bwrap without user namespace'
        : `${launcher.level} by bwrap`;
    case 'unshare':
      return launcher.userNamespace ? 'pid by unshare with user namespace' : 'pid by unshare';
    case 'group':
      return 'none: a process group only';
  }
}

/** None of any effect, but a host has to be able to set them. */
const someLimits = { memoryMb: 1_024, processes: 1_024, fileSizeMb: 64, openFiles: 1_024 };

async function whyNot(launcher: Launcher, host: Host): Promise<string | undefined> {
  const workTree = await mkdtemp(join(tmpdir(), 'necrocode-probe-'));
  try {
    const options = { workTree, network: false, timeoutMs: 10_000, limits: someLimits };
    const launch = await prepareLaunch(launcher, host, 'echo works > written && cat written', options);
    try {
      const { exitCode, stdout, output } = await runLaunch(launch, options);
      const written = await readFile(join(workTree, 'written'), 'utf8').catch(() => '');
      const works = exitCode === 0 && stdout === 'works\n' && written === stdout;
      return works ? undefined : firstLine(output) || `exit code ${exitCode ?? 'none'}`;
    } finally {
      await launch.dispose();
    }
  } catch (error) {
    const cause = error instanceof RunnerError && error.cause instanceof Error ? error.cause : error;
    return firstLine(cause instanceof Error ? cause.message : String(cause));
  } finally {
    await rm(workTree, { recursive: true, force: true });
  }
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0]?.slice(0, 200) ?? '';
}

/** Whether bubblewrap is new enough to bound what is in memory. */
async function knowsSizes(environment: NodeJS.ProcessEnv): Promise<boolean> {
  const bwrap = await locate('bwrap', environment);
  if (bwrap === undefined) return false;
  const { stdout } = await promisify(execFile)(bwrap, ['--help']).catch(() => ({ stdout: '' }));
  return stdout.includes('--size ');
}

async function locate(program: string, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const directory of (environment.PATH ?? '').split(':')) {
    if (!directory.startsWith('/')) continue;
    const path = join(directory, program);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}
