import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { RunnerError, type SandboxLevel } from '@necrocode/contracts';
import {
  accountFiles,
  descriptors,
  fullArguments,
  memoryPaths,
  ordinaryUserId,
  pidArguments,
  privateHome,
  type SystemView,
} from './bubblewrap.js';
import { certificatePaths, commandEnvironment, networkEnvironment } from './command-environment.js';
import { becomeUser, handOver, userOf, type CommandUsers } from './command-user.js';
import type { CommandOptions } from './command.js';
import { confinedNetworkEnvironment } from './egress/confined-network.js';
import { openEgress, type Egress, type SetupNetwork } from './egress/open-egress.js';
import type { Toolchains } from './host-toolchains.js';
import { limitArguments, memorySizes } from './limits/limit-arguments.js';

/** A way to start a command. `program` is an absolute path. */
export type Launcher =
  | {
      readonly kind: 'bubblewrap';
      readonly level: 'full';
      readonly program: string;
      readonly userNamespace: boolean;
      /** Given where this process is root and can become others. */
      readonly users?: CommandUsers;
    }
  | { readonly kind: 'bubblewrap'; readonly level: 'pid'; readonly program: string }
  | {
      readonly kind: 'unshare';
      readonly level: 'pid';
      readonly program: string;
      readonly userNamespace: boolean;
    }
  | { readonly kind: 'group'; readonly level: 'none' };

/** What the host offers, found once. */
export interface Host {
  readonly environment: NodeJS.ProcessEnv;
  readonly toolchains: Toolchains;
  /** How bubblewrap shows the system to commands with and without network. */
  readonly system: { readonly online: SystemView; readonly offline: SystemView };
  /** Absolute path of `prlimit`; undefined where the host has none. */
  readonly prlimit: string | undefined;
  /** Whether bubblewrap can bound what is in memory (0.7 and newer). */
  readonly boundsMemoryFiles: boolean;
  /** System calls that commands of level `full` are refused, as a program of seccomp; undefined on processors without one. */
  readonly filter: Buffer | undefined;
  /** What commands with network may reach; absent: nothing. */
  readonly network?: SetupNetwork;
}

/** A process that is ready to be started. */
export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly level: SandboxLevel;
  /** Who ends everything when the command is ended. */
  readonly ending: 'bubblewrap' | 'unshare' | 'group';
  /** The user that it runs as, where that is another one. */
  readonly identity?: { readonly uid: number; readonly gid: number };
  /** Ends everything that the command started, where the launcher has a way of its own; never too early, since it waits. */
  readonly endAll?: () => Promise<void>;
  /** What the child reads from descriptors. */
  readonly inputs: ReadonlyMap<number, string | Buffer>;
  /** Files that it reads from the descriptors behind those. */
  readonly files: ReadonlyMap<number, string>;
  /** Directories on disk that the command may write. */
  readonly directories: readonly string[];
  /** What the command finds in memory, as it sees it. */
  readonly inMemory: readonly string[];
  /** The way out of a command that has one of its own. */
  readonly egress?: Egress | undefined;
  /** Removes the directories that were made for this command. */
  dispose(): Promise<void>;
}

/** Throws `workspace_failed` for a work tree that is not there, `sandbox_unavailable` for limits that cannot be set. */
export async function prepareLaunch(
  launcher: Launcher,
  host: Host,
  command: string,
  options: CommandOptions,
): Promise<Launch> {
  const workTree = await directoryOf(options.workTree);
  const givenHome = options.home === undefined ? undefined : await directoryOf(options.home);
  const { hosts = [] } = host.network ?? {};
  const confined = launcher.level === 'full';
  const networkOf = (environment: NodeJS.ProcessEnv) =>
    confined ? confinedNetworkEnvironment(environment, hosts) : networkEnvironment(environment);
  const network = options.network ? networkOf(host.environment) : {};
  const shell = [...limitArguments(host.prlimit, options.limits), 'sh', '-c', command];
  const { toolchains } = host;
  const environment = (home: string, temporary: string) =>
    commandEnvironment({
      path: toolchains.path,
      home,
      temporary,
      toolchains: toolchains.variables,
      network,
      added: options.env ?? {},
    });

  const given = givenHome === undefined ? [workTree] : [workTree, givenHome];
  if (launcher.level === 'full') {
    const { userNamespace, users } = launcher;
    const userId = users ? userOf(workTree, users) : userNamespace ? ordinaryUserId : process.getuid?.();
    if (users && userId !== undefined) for (const directory of given) await handOver(directory, userId);
    const seenAt = options.seenAt ?? { workTree, home: givenHome ?? privateHome };
    const { home } = seenAt;
    const system = options.network ? host.system.online : host.system.offline;
    const egress = options.network ? await openWay(host, options, givenHome) : undefined;
    const args = fullArguments({
      workTree,
      seenAt,
      mounts: egress?.mounts ?? [],
      home: givenHome,
      system,
      readOnly: [...toolchains.directories, ...certificatePaths(network)],
      hidden: toolchains.hidden,
      userNamespace,
      becomesOther: users !== undefined,
      memory: host.boundsMemoryFiles ? memorySizes(options.limits) : undefined,
      filtered: host.filter !== undefined,
    });
    const accounts = accountFiles(home, userId ?? ordinaryUserId);
    const become = users && userId !== undefined ? becomeUser(users.setpriv, userId) : [];
    return {
      program: launcher.program,
      args: [...args, '--', ...become, ...(egress?.prefix ?? []), ...shell],
      env: environment(home, '/tmp'),
      cwd: '/',
      level: 'full',
      ending: 'bubblewrap',
      inputs: new Map<number, string | Buffer>([
        [descriptors.passwd, accounts.passwd],
        [descriptors.group, accounts.group],
        ...(host.filter ? [[descriptors.filter, host.filter] as const] : []),
        ...(egress ? [[descriptors.forwarder, egress.script] as const] : []),
      ]),
      files: new Map(system.copies.map((path, index) => [descriptors.system + index, path])),
      directories: given,
      inMemory: givenHome === undefined ? [...memoryPaths, home] : memoryPaths,
      egress,
      dispose: () => egress?.close() ?? Promise.resolve(),
    };
  }

  const made = await mkdtemp(join(await realpath(tmpdir()), 'necrocode-command-'));
  const env = environment(givenHome ?? made, made);
  const rest = {
    env,
    cwd: workTree,
    level: launcher.level,
    inputs: new Map(),
    files: new Map(),
    directories: [...given, made],
    inMemory: [],
    dispose: () => removeDirectory(made),
  };
  switch (launcher.kind) {
    case 'bubblewrap':
      return {
        program: launcher.program,
        args: [...pidArguments(workTree), '--', ...shell],
        ending: 'bubblewrap',
        ...rest,
      };
    case 'unshare': {
      const user = launcher.userNamespace ? ['--user', '--map-current-user'] : [];
      const args = [
        ...user,
        '--pid',
        '--fork',
        '--kill-child',
        '--mount-proc',
        '--',
        ...firstProcess,
        ...shell,
      ];
      return { program: launcher.program, args, ending: 'unshare', ...rest };
    }
    case 'group': {
      const [program = 'sh', ...args] = shell;
      return { program, args, ending: 'group', ...rest };
    }
  }
}

/** Beside HOME, where whoever cleans up after a runner that was killed removes it with the rest of the task. */
function openWay(
  { network = { hosts: [] }, environment }: Host,
  { onOutput }: CommandOptions,
  home: string | undefined,
): Promise<Egress> {
  const directory = home === undefined ? tmpdir() : dirname(home);
  return openEgress(network, environment, descriptors.forwarder, directory, (text) =>
    onOutput?.(`${refusalLine(text)}\n`, 'stderr'),
  );
}

/** As it stands in a command's output. */
export function refusalLine(text: string): string {
  return `[sandbox] ${text}`;
}

/** Signals such as the one of the CPU limit do nothing to a namespace's first process, so the command is not it. */
const firstProcess = ['sh', '-c', '"$@"; exit $?', 'sh'];

async function directoryOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw new RunnerError('workspace_failed', 'the directory of the command does not exist', {
      cause: error,
    });
  }
}

/** Package managers leave directories that cannot be written, such as Go's module cache. */
async function removeDirectory(directory: string): Promise<void> {
  try {
    await rm(directory, { recursive: true, force: true });
  } catch {
    await promisify(execFile)('chmod', ['-R', 'u+rwX', directory]).catch(() => undefined);
    await rm(directory, { recursive: true, force: true });
  }
}
