import { diagnoseHost, judgeHost, type HostFacts } from './diagnose-host.js';

const good: HostFacts = {
  platform: 'linux',
  isRoot: false,
  programs: new Set(['bwrap', 'prlimit', 'setpriv']),
  settings: new Map([['user/max_user_namespaces', '15000']]),
  inContainer: false,
  isFiltered: false,
};
const setting = (name: string, value: string) => ({ settings: new Map([[name, value]]) });

describe('what a host lacks', () => {
  it.each<readonly [string, Partial<HostFacts>, RegExp, RegExp]>([
    ['no bubblewrap', { programs: new Set(['prlimit']) }, /bwrap/, /apt-get install bubblewrap/],
    ['no prlimit', { programs: new Set(['bwrap']) }, /prlimit/, /install util-linux/],
    ['no user namespaces', setting('user/max_user_namespaces', '0'), /is 0/, /sysctl --system/],
    [
      'none for users',
      setting('kernel/unprivileged_userns_clone', '0'),
      /is 0/,
      /unprivileged_userns_clone=1/,
    ],
    [
      'AppArmor',
      setting('kernel/apparmor_restrict_unprivileged_userns', '1'),
      /Ubuntu/,
      /profile bwrap \/usr\/bin\/bwrap flags=\(unconfined\) \{\n {2}userns,/,
    ],
    ['a container', { inContainer: true, isFiltered: true }, /seccomp/, /--security-opt seccomp=/],
    ['another system', { platform: 'darwin' }, /darwin/, /SANDBOX_REQUIRED/],
  ])('[AR-10.2] is named with its remedy: %s', (_name, facts, what, remedy) => {
    const lacks = judgeHost({ ...good, ...facts });
    expect(lacks).toHaveLength(1);
    expect(lacks[0]?.what).toMatch(what);
    expect(lacks[0]?.remedy).toMatch(remedy);
  });

  it('[AR-10.2] is nothing on a good host; root needs no user namespaces but a program to become others', () => {
    expect(judgeHost(good)).toEqual([]);
    expect(judgeHost({ ...good, isRoot: true, ...setting('user/max_user_namespaces', '0') })).toEqual([]);
    const programs = new Set(['bwrap', 'prlimit']);
    expect(judgeHost({ ...good, isRoot: true, programs })).toMatchObject([
      { what: 'setpriv is not on PATH' },
    ]);
  });

  it('[AR-10.2] is read from the host itself', async () => {
    const lacks = await diagnoseHost({ PATH: '/nonexistent' });
    expect(lacks.map(({ what }) => what)).toContain('bwrap is not on PATH');
  });
});
