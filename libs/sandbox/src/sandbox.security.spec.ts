import { jest } from '@jest/globals';
import { hostileCommandsContract } from './contract/hostile-commands.js';
import { hostEnvironment } from './contract/sandbox-contract.js';
import { runAsUser } from './contract/run-as-user.js';
import { createSandbox } from './create-sandbox.js';
import { findGroupPlace } from './limits/find-groups.js';

jest.setTimeout(120_000);

const isRoot = process.getuid?.() === 0;
const user = isRoot ? 'a sandbox of root' : 'a sandbox of an ordinary user';
const open = (controlGroups: boolean) => () =>
  createSandbox({ allowLowered: false, hostEnvironment, controlGroups });

hostileCommandsContract(`${user}, with limits by a watcher`, open(false));
if (findGroupPlace()) hostileCommandsContract(`${user}, with limits by control groups`, open(true));

(isRoot ? it : it.skip)(
  '[AR-10.4] all of this holds for an ordinary user too',
  async () => {
    const { status, output } = await runAsUser(import.meta.filename);
    expect(output).toMatch(/Tests: .*passed/);
    expect({ status, output: status === 0 ? '' : output }).toEqual({ status: 0, output: '' });
  },
  600_000,
);
