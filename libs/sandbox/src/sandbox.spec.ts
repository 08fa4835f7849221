import { jest } from '@jest/globals';
import { tmpdir } from 'node:os';
import { tempDir } from '@necrocode/testkit';
import { hostEnvironment, sandboxContract } from './contract/sandbox-contract.js';
import { createSandbox, type Sandbox } from './create-sandbox.js';
import type { Launcher } from './launcher.js';
import { launchers, probeSandbox } from './probe-sandbox.js';

jest.setTimeout(60_000);

const available: readonly (readonly [string, Launcher])[] = await workingLaunchers();

async function workingLaunchers() {
  const found: [string, Launcher][] = [];
  for (const launcher of await launchers()) {
    const sandbox = await withLauncher(launcher);
    const workTree = tempDir('sandbox-');
    const works = await sandbox.runCommand('true', { workTree, network: false, timeoutMs: 10_000 }).then(
      ({ exitCode }) => exitCode === 0,
      () => false,
    );
    const user = 'userNamespace' in launcher && launcher.userNamespace ? ' with user namespace' : '';
    const others = launcher.level === 'full' && launcher.users ? ' as another user' : '';
    if (works) found.push([launcher.kind + user + others, launcher]);
  }
  return found;
}

function withLauncher(launcher: Launcher, controlGroups = true): Promise<Sandbox> {
  return createSandbox({
    allowLowered: true,
    probe: () => Promise.resolve({ level: launcher.level, detail: '', launcher }),
    hostEnvironment,
    controlGroups,
  });
}

for (const [name, launcher] of available) {
  sandboxContract(name, launcher.level, () => withLauncher(launcher));
}
const [best] = available;
if (best)
  sandboxContract(`${best[0]}, without control groups,`, best[1].level, () => withLauncher(best[1], false));

describe('createSandbox', () => {
  it('[AR-10.4] lowers the level only where that is allowed', async () => {
    const probe = () =>
      Promise.resolve({ level: 'none', detail: 'd', launcher: { kind: 'group', level: 'none' } } as const);
    await expect(createSandbox({ allowLowered: false, probe })).rejects.toMatchObject({
      code: 'sandbox_unavailable',
      message: expect.stringContaining('SANDBOX_REQUIRED=none') as string,
    });
    expect((await createSandbox({ allowLowered: true, probe })).level).toBe('none');
  });

  it('[AR-9.2] finds the best level that works', async () => {
    const probe = await probeSandbox();
    expect(probe.launcher).toEqual(available[0]?.[1]);
    const nothing = await probeSandbox({ PATH: '/nonexistent' }).catch((error: unknown) => error);
    expect(nothing).toMatchObject({ code: 'sandbox_unavailable' });
  });

  it('[AR-9.2] calls a sandbox that cannot be set up by its name', async () => {
    const launcher = { kind: 'bubblewrap', level: 'pid', program: '/bin/false' } as const;
    const sandbox = await createSandbox({
      allowLowered: true,
      probe: () => Promise.resolve({ level: 'pid', detail: '', launcher }),
    });
    const options = { workTree: tmpdir(), network: false, timeoutMs: 10_000 };
    await expect(sandbox.runCommand('true', options)).rejects.toMatchObject({ code: 'sandbox_unavailable' });
    await expect(
      sandbox.runCommand('true', { ...options, workTree: '/does/not/exist' }),
    ).rejects.toMatchObject({ code: 'workspace_failed' });
  });
});
