import { join } from 'node:path';
import { commandEnvironment, networkEnvironment } from '../command-environment.js';
import type { CommandResult, OutputStream } from '../command.js';
import type { Host, Launch } from '../launcher.js';
import { limitArguments } from '../limits/limit-arguments.js';
import { runLaunch } from '../run-launch.js';
import { endProcessesOf, runAs } from './identities.js';
import type { RunRequest } from './messages.js';
import { tidyAfterCommand, type Room } from './rooms.js';

export interface RoomCommand {
  readonly request: RunRequest;
  readonly signal: AbortSignal;
  readonly onOutput: (text: string, stream: OutputStream) => void;
}

export interface Surroundings {
  readonly host: Host;
  readonly network: boolean;
  /** Directories outside of the rooms that every user may write. */
  readonly sharedDirectories: readonly string[];
}

/** Runs a command as the room's user; afterwards nothing of this user is left but what lies in tree and home. */
export async function runInRoom(
  room: Room,
  { host, network, sharedDirectories }: Surroundings,
  { request, signal, onOutput }: RoomCommand,
): Promise<CommandResult> {
  const { command, env, sharedHome, timeoutMs, outputLimitBytes, limits } = request;
  const { toolchains, prlimit } = host;
  const { identity, directory } = room;
  const temporary = join(directory, 'tmp');
  const launch: Launch = {
    program: '/bin/sh',
    // Where memory runs out, the kernel takes the command, not the server that runs it.
    args: [
      '-c',
      'echo 1000 > /proc/self/oom_score_adj; exec "$@"',
      'sh',
      ...limitArguments(prlimit, limits),
      'sh',
      '-c',
      command,
    ],
    env: commandEnvironment({
      path: toolchains.path,
      home: sharedHome ? join(directory, 'home') : temporary,
      temporary,
      toolchains: toolchains.variables,
      network: network ? networkEnvironment(host.environment) : {},
      added: env,
    }),
    cwd: join(directory, 'tree'),
    level: 'container',
    ending: 'group',
    identity: { uid: identity, gid: identity },
    endAll: onceAtATime(() => endProcessesOf(identity)),
    inputs: new Map(),
    files: new Map(),
    directories: [directory],
    inMemory: [],
    dispose: () => runAs(identity, identity, tidyAfterCommand, directory, ...sharedDirectories),
  };
  try {
    return await runLaunch(launch, {
      workTree: launch.cwd,
      network,
      timeoutMs,
      ...(outputLimitBytes !== undefined && { outputLimitBytes }),
      limits,
      signal,
      onOutput,
    });
  } finally {
    await launch.dispose();
  }
}

/** Two at the same time would end each other: what ends a user's processes is one of them. */
function onceAtATime(work: () => Promise<void>): () => Promise<void> {
  let underway: Promise<void> | undefined;
  return () => (underway ??= work().finally(() => (underway = undefined)));
}
