import { RunnerError, sandboxLevels, type SandboxLevel } from '@necrocode/contracts';
import { connectSandbox, createSandbox, type Sandbox } from '@necrocode/sandbox';
import type { RunnerConfig } from './config/config-schema.js';

type SandboxSettings = RunnerConfig['sandbox'];

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

function startSandbox({ required, setup_network, socket, setup_socket }: SandboxSettings): Promise<Sandbox> {
  if (socket === undefined) {
    const { hosts, max_connections: maxConnections, max_mb } = setup_network;
    return createSandbox({
      allowLowered: required !== 'full',
      network: { hosts, maxConnections, maxBytes: max_mb * 1_048_576 },
    });
  }
  // What is made in a room is for its group: the commands run as another user.
  process.umask(0o007);
  return connectSandbox({ socket, networkSocket: setup_socket });
}

/** 3 for the strongest level, 0 for none. */
export function sandboxRank(level: SandboxLevel): number {
  return sandboxLevels.length - 1 - sandboxLevels.indexOf(level);
}

/** What commands of setup reach, for the log, the readiness and the doctor. */
export interface SetupReach {
  /** False: nothing holds them to the list. */
  readonly confined: boolean;
  readonly hosts: readonly string[];
}

export function setupReach(
  { setup_network, setup_socket }: SandboxSettings,
  level: SandboxLevel,
): SetupReach {
  // Setup has the network of the container that it is given, or none.
  if (level === 'container') return { confined: setup_socket === undefined, hosts: [] };
  return { confined: level === 'full', hosts: setup_network.hosts };
}

/** What an operator should know of it; undefined where nothing is unusual. */
export function reachWarning({ confined, hosts }: SetupReach): string | undefined {
  if (!confined) return 'nothing confines the network of setup commands: only the sandbox level full does';
  const open = hosts.some((host) => host === '*' || host.startsWith('*:'));
  return open ? 'setup commands reach every public host: sandbox.setup_network.hosts holds *' : undefined;
}
