import { readdir, realpath, stat } from 'node:fs/promises';

/** What a command sees and may do, in the terms of bubblewrap. */
export interface Confinement {
  readonly workTree: string;
  /** Where the command finds work tree and HOME. */
  readonly seenAt: { readonly workTree: string; readonly home: string };
  /** Further arguments: what else of the host is shown. */
  readonly mounts: readonly string[];
  /** Directory on the host that serves as HOME; absent: an empty one in memory. */
  readonly home: string | undefined;
  readonly system: SystemView;
  readonly readOnly: readonly string[];
  /** Files that are shown empty. */
  readonly hidden: readonly string[];
  /** Whether the host lets this user make user namespaces. */
  readonly userNamespace: boolean;
  /** Whether the command becomes another user by itself, for which it needs the right to do so. */
  readonly becomesOther: boolean;
  /** Sizes of what is in memory, in bytes; undefined where bubblewrap is too old to bound it (before 0.7). */
  readonly memory: { readonly temporary: number; readonly shared: number } | undefined;
  /** Whether a filter of system calls is handed over. */
  readonly filtered: boolean;
}

/** What a command finds in memory; with a HOME of the host's, it has no private one. */
export const memoryPaths = ['/tmp', '/dev/shm'];

/** Where HOME is when no directory of the host serves as it. */
export const privateHome = '/home/sandbox';

/** File descriptors of the child, beside the standard ones. */
export const descriptors = { status: 3, passwd: 4, group: 5, filter: 6, forwarder: 7, system: 8 } as const;

/** Arguments of `bwrap` for level `full`; the command follows them. */
export function fullArguments(confinement: Confinement): string[] {
  const { workTree, seenAt, mounts, home, system, readOnly, hidden } = confinement;
  const { userNamespace, becomesOther, memory, filtered } = confinement;
  const inMemory = (path: string, bytes: number | undefined) => [
    ...(bytes === undefined ? [] : ['--size', String(bytes)]),
    ...(becomesOther ? ['--perms', '1777'] : []),
    ...['--tmpfs', path],
  ];
  return [
    // With a user namespace the command is an ordinary user inside, even when the runner is root:
    // tools behave differently for root (file owners on unpacking, servers that refuse to start).
    ...(userNamespace
      ? ['--unshare-user', '--uid', String(ordinaryUserId), '--gid', String(ordinaryUserId)]
      : []),
    // With `--unshare-all` bubblewrap tries a user namespace as well, in which there is no other user.
    ...(becomesOther ? everyNamespaceButUser : ['--unshare-all']),
    ...ending,
    ...(filtered ? ['--seccomp', String(descriptors.filter)] : []),
    ...(becomesOther ? becoming.flatMap((capability) => ['--cap-add', capability]) : []),
    ...(becomesOther ? openDirectories(['/etc/ssl/x', '/home/x']) : []),
    ...system.mounts,
    ...system.copies.flatMap((path, index) => ['--file', String(descriptors.system + index), path]),
    ...[
      '--file',
      String(descriptors.passwd),
      '/etc/passwd',
      '--file',
      String(descriptors.group),
      '/etc/group',
    ],
    ...['--proc', '/proc', '--dev', '/dev', '--dir', '/run'],
    ...inMemory('/dev/shm', memory?.shared),
    ...inMemory('/tmp', memory?.temporary),
    ...['--symlink', '/tmp', '/var/tmp'],
    ...(home === undefined ? inMemory(seenAt.home, memory?.temporary) : []),
    ...(becomesOther ? openDirectories([seenAt.workTree, seenAt.home, ...readOnly]) : []),
    ...readOnly.flatMap((path) => ['--ro-bind-try', path, path]),
    ...hidden.flatMap((path) => ['--ro-bind', '/dev/null', path]),
    ...mounts,
    ...(home === undefined ? [] : ['--bind', home, seenAt.home]),
    ...['--bind', workTree, seenAt.workTree, '--remount-ro', '/dev', '--remount-ro', '/'],
    ...['--chdir', seenAt.workTree],
  ];
}

/** Arguments that make the directories above these paths, which bubblewrap would make for root alone. */
function openDirectories(paths: readonly string[]): string[] {
  const above = paths.flatMap((path) => {
    const names = path.split('/').slice(1, -1);
    return names.map((_, depth) => `/${names.slice(0, depth + 1).join('/')}`);
  });
  const own = [...new Set(above)].filter((path) => !systemDirectories.some((shown) => isWithin(path, shown)));
  return own.sort().flatMap((path) => ['--perms', '0755', '--dir', path]);
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** How the system's programs, libraries and settings are shown to a kind of command. */
export interface SystemView {
  /** Arguments of bubblewrap. */
  readonly mounts: readonly string[];
  /** Files of the host that are copied, read from descriptors from `descriptors.system` on. */
  readonly copies: readonly string[];
}

/**
 * Looks what the host has to show. Every mount costs a command about 0.2 ms (measured: 12 ms for 60 mounts,
 * 6 ms for 30), so links stay links, files are copied into the sandbox's root, which is in memory, and /etc
 * is kept short.
 */
export async function systemView(network: boolean): Promise<SystemView> {
  const names = await readdir('/etc').catch(() => []);
  const settings = names
    .filter(
      (name) =>
        settingNames.has(name) ||
        /^(java|openjdk)[\w.-]*$/.test(name) ||
        (network && networkSettingNames.has(name)),
    )
    .map((name) => `/etc/${name}`);
  const ofTls = (await readdir('/etc/ssl').catch(() => []))
    .filter((name) => name !== 'private')
    .map((name) => `/etc/ssl/${name}`);
  const shown = await Promise.all([...systemDirectories, ...settings, ...ofTls].map(show));
  return {
    mounts: shown.flatMap(({ mount }) => mount ?? []),
    copies: shown.flatMap(({ copy }) => copy ?? []),
  };
}

/** Arguments of `bwrap` for level `pid`: the host's files as they are, but nothing outlives the command. */
export function pidArguments(workTree: string): string[] {
  return [
    '--unshare-pid',
    ...ending,
    '--bind',
    '/',
    '/',
    '--dev-bind',
    '/dev',
    '/dev',
    '--proc',
    '/proc',
    '--chdir',
    workTree,
  ];
}

/** The number of an ordinary user, as commands see their own where it is free to choose. */
export const ordinaryUserId = 1_000;

/** What it takes to become another user, in a work tree that only that one may enter. */
const becoming = ['CAP_SETUID', 'CAP_SETGID', 'CAP_DAC_READ_SEARCH'];

const everyNamespaceButUser = ['ipc', 'pid', 'net', 'uts', 'cgroup-try'].map((name) => `--unshare-${name}`);

/** The sandbox ends with this process, and with the command; its setup and exit code are told on a descriptor. */
const ending = [
  '--die-with-parent',
  '--new-session',
  '--cap-drop',
  'ALL',
  '--json-status-fd',
  String(descriptors.status),
];

/** Users and groups as the command sees them. */
export function accountFiles(home: string, userId: number): { passwd: string; group: string } {
  const users = ['root:x:0:0:root:/root:/bin/sh', `sandbox:x:${userId}:${userId}::${home}:/bin/sh`];
  const groups = ['root:x:0:', `sandbox:x:${userId}:`, 'nogroup:x:65534:'];
  return {
    passwd: [...users, 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin', ''].join('\n'),
    group: [...groups, ''].join('\n'),
  };
}

/** Directories of the system, which are shown as a whole. */
export const systemDirectories = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/opt',
  '/nix',
  '/snap',
];

/** What of /etc programs need. Nothing that a host keeps there for itself: keys, shadow, service settings. */
const settingNames = new Set(
  `alternatives crypto-policies fonts hosts ld.so.cache localtime maven mime.types nsswitch.conf os-release
   pki protocols services`.split(/\s+/),
);

/** For commands with network: settings of package managers, which may name a registry and certificates. */
const networkSettingNames = new Set(['ca-certificates', 'npmrc', 'pip.conf']);

/** A link to what is shown stays a link; other links become what they lead to. */
async function show(path: string): Promise<{ readonly mount?: readonly string[]; readonly copy?: string }> {
  const source = await realpath(path).catch(() => undefined);
  if (source === undefined) return {};
  const isShown = systemDirectories.some((directory) => source.startsWith(`${directory}/`));
  if (source !== path && isShown) return { mount: ['--symlink', source, path] };
  return (await stat(source)).isFile() ? { copy: path } : { mount: ['--ro-bind', source, path] };
}
