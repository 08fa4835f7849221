import { jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { eventually, tempDir } from '@necrocode/testkit';
import { hostileCommandsContract } from './contract/hostile-commands.js';
import { hostEnvironment } from './contract/sandbox-contract.js';
import { processesWith } from './contract/processes-with.js';
import { runAsUser } from './contract/run-as-user.js';
import { createSandbox } from './create-sandbox.js';
import { prepareLaunch } from './launcher.js';
import { findGroupPlace } from './limits/find-groups.js';
import { findHost, probeSandbox } from './probe-sandbox.js';

jest.setTimeout(120_000);

const isRoot = process.getuid?.() === 0;
const user = isRoot ? 'a sandbox of root' : 'a sandbox of an ordinary user';
const open = (controlGroups: boolean) => () =>
  createSandbox({ allowLowered: false, hostEnvironment, controlGroups });

hostileCommandsContract(`${user}, with limits by a watcher`, open(false));
if (findGroupPlace()) hostileCommandsContract(`${user}, with limits by control groups`, open(true));

it('[AR-11.2] a command dies with its runner, even when that is killed with signal 9', async () => {
  const workTree = tempDir('hostile-');
  const marker = `mark-${randomUUID()}`;
  const options = { workTree, network: false, timeoutMs: 60_000, env: { MARKER: marker } };
  const { launcher } = await probeSandbox();
  const script = '(setsid sh -c "sleep 600 & sleep 600" &); : > ready; sleep 600';
  const launch = await prepareLaunch(launcher, await findHost(process.env), script, options);
  const inputs = [...launch.inputs].map(([descriptor, content]) => [
    descriptor,
    Buffer.from(content).toString('base64'),
  ]);
  const runner = spawn(process.execPath, [
    '-e',
    startLike,
    JSON.stringify([launch, inputs, [...launch.files]]),
  ]);
  await eventually('the command runs', async () => (await readdir(workTree)).includes('ready') || undefined);
  expect(await processesWith(marker)).not.toEqual([]);
  runner.kill('SIGKILL');
  await once(runner, 'exit');
  await eventually('everything is gone', async () => (await processesWith(marker)).length === 0 || undefined);
});

/** A runner that starts a launch as runLaunch does, and then only waits. */
const startLike = `
  const [launch, inputs, files] = JSON.parse(process.argv[1]);
  const stdio = ['ignore', 'pipe', 'pipe', 'pipe'];
  for (const [descriptor] of inputs) stdio[descriptor] = 'pipe';
  for (const [descriptor, path] of files) stdio[descriptor] = require('fs').openSync(path);
  for (let n = 0; n < stdio.length; n += 1) stdio[n] ??= 'ignore';
  const { program, args, env, cwd } = launch;
  const child = require('child_process').spawn(program, args, { cwd, env, detached: true, stdio });
  for (const [descriptor, content] of inputs) child.stdio[descriptor].end(Buffer.from(content, 'base64'));`;

(isRoot ? it : it.skip)(
  '[AR-10.4] all of this holds for an ordinary user too',
  async () => {
    const { status, output } = await runAsUser(import.meta.filename);
    expect(output).toMatch(/Tests: .*passed/);
    expect({ status, output: status === 0 ? '' : output }).toEqual({ status: 0, output: '' });
  },
  600_000,
);
