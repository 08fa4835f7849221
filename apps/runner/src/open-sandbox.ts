import { RunnerError, sandboxLevels, type SandboxLevel } from '@necrocode/contracts';
import { connectSandbox, createSandbox, type Sandbox } from '@necrocode/sandbox';
import type { RunnerConfig } from './config.js';

type SandboxSettings = Pick<RunnerConfig['sandbox'], 'required' | 'socket' | 'setup_socket'>;

/**
 * The sandbox of this host, or the one that the configuration names, if it is as strong as the
 * configuration demands.
 *
 * @throws RunnerError sandbox_unavailable, saying what the host lacks
 */
export async function openSandbox(settings: SandboxSettings): Promise<Sandbox> {
  const { required } = settings;
  const sandbox = await startSandbox(settings);
  if (sandboxRank(sandbox.level) >= sandboxRank(required)) return sandbox;
  throw new RunnerError(
    'sandbox_unavailable',
    `this host offers the sandbox level ${sandbox.level} (${sandbox.detail}), but sandbox.required is ${required}`,
  );
}

function startSandbox({ required, socket, setup_socket }: SandboxSettings): Promise<Sandbox> {
  if (socket === undefined) return createSandbox({ allowLowered: required !== 'full' });
  // What is made in a room is for its group: the commands run as another user.
  process.umask(0o007);
  return connectSandbox({ socket, networkSocket: setup_socket });
}

/** 3 for the strongest level, 0 for none. */
export function sandboxRank(level: SandboxLevel): number {
  return sandboxLevels.length - 1 - sandboxLevels.indexOf(level);
}
