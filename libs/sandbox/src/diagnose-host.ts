import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a host says about itself that decides whether commands can be confined. */
export interface HostFacts {
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  /** Programs that were found on PATH. */
  readonly programs: ReadonlySet<string>;
  /** Contents of files below /proc/sys that are there, by their path. */
  readonly settings: ReadonlyMap<string, string>;
  readonly inContainer: boolean;
  /** Whether system calls of this process are filtered. */
  readonly isFiltered: boolean;
}

/** Something that the host lacks, in one line, and what to do about it. */
export interface Lack {
  readonly what: string;
  readonly remedy: string;
}

/** Finds what keeps this host from level `full`; for a host that has it, what could still be better. */
export async function diagnoseHost(environment: NodeJS.ProcessEnv = process.env): Promise<readonly Lack[]> {
  return judgeHost(await readFacts(environment));
}

/** The most likely reason first. */
export function judgeHost(facts: HostFacts): Lack[] {
  const { platform, programs, settings, inContainer, isFiltered, isRoot } = facts;
  if (platform !== 'linux') {
    return [
      {
        what: `bubblewrap needs Linux, this is ${platform}`,
        remedy:
          'run the runner in a Linux container or machine, or accept a lower level with SANDBOX_REQUIRED=none',
      },
    ];
  }
  const lacks: Lack[] = [];
  const packages = { bwrap: 'bubblewrap', prlimit: 'util-linux', ...(isRoot && { setpriv: 'util-linux' }) };
  for (const [program, name] of Object.entries(packages)) {
    if (programs.has(program)) continue;
    const remedy = `Debian/Ubuntu: apt-get install ${name}; Fedora: dnf install ${name}; Alpine: apk add ${name}`;
    lacks.push({ what: `${program} is not on PATH`, remedy });
  }
  // Root needs none of these.
  const user = isRoot && !inContainer ? [] : userNamespaceLacks(settings);
  lacks.push(...user);
  if (inContainer && isFiltered) {
    lacks.push({
      what: 'the container’s seccomp profile forbids new namespaces',
      remedy:
        'start the container with a profile that permits clone, unshare, mount, umount2 and pivot_root for namespaces ' +
        '(docker run --security-opt seccomp=PROFILE.json --security-opt apparmor=unconfined --security-opt systempaths=unconfined), ' +
        'or run commands in a sandbox container beside it (level container)',
    });
  }
  return lacks;
}

function userNamespaceLacks(settings: ReadonlyMap<string, string>): Lack[] {
  const lacks: Lack[] = [];
  if (settings.get('user/max_user_namespaces') === '0') {
    lacks.push({
      what: 'user.max_user_namespaces is 0',
      remedy: persist('user.max_user_namespaces=15000'),
    });
  }
  if (settings.get('kernel/unprivileged_userns_clone') === '0') {
    lacks.push({
      what: 'kernel.unprivileged_userns_clone is 0',
      remedy: persist('kernel.unprivileged_userns_clone=1'),
    });
  }
  if (settings.get('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    lacks.push({
      what: 'AppArmor lets only programs with a profile make user namespaces (Ubuntu 23.10 and newer)',
      remedy: `write a profile for bubblewrap and load it:\n${appArmorRemedy}`,
    });
  }
  return lacks;
}

function persist(setting: string): string {
  return `echo ${setting} | sudo tee /etc/sysctl.d/60-necrocode.conf && sudo sysctl --system`;
}

const appArmorRemedy = `sudo tee /etc/apparmor.d/bwrap <<'PROFILE'
abi <abi/4.0>,
include <tunables/global>
profile bwrap /usr/bin/bwrap flags=(unconfined) {
  userns,
  include if exists <local/bwrap>
}
PROFILE
sudo systemctl reload apparmor`;

const settingNames = [
  'user/max_user_namespaces',
  'kernel/unprivileged_userns_clone',
  'kernel/apparmor_restrict_unprivileged_userns',
];

async function readFacts({ PATH = '' }: NodeJS.ProcessEnv): Promise<HostFacts> {
  const found = await Promise.all(
    ['bwrap', 'prlimit', 'setpriv'].map(async (program) => {
      const places = PATH.split(':').filter((directory) => directory.startsWith('/'));
      const here = await Promise.all(places.map((directory) => exists(join(directory, program))));
      return here.includes(true) ? [program] : [];
    }),
  );
  const settings = await Promise.all(
    settingNames.map(async (name) => [name, await readText(join('/proc/sys', name))] as const),
  );
  const marks = await Promise.all(['/.dockerenv', '/run/.containerenv'].map(exists));
  return {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    programs: new Set(found.flat()),
    settings: new Map(settings.filter(([, value]) => value !== '')),
    inContainer: marks.includes(true) || /docker|kubepods|libpod/.test(await readText('/proc/1/cgroup')),
    isFiltered: /^Seccomp:\s*2/m.test(await readText('/proc/self/status')),
  };
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => '',
  );
}
