import { RunnerError, type SandboxLevel } from '@necrocode/contracts';
import type { CommandLimits, CommandOptions, CommandResult } from './command.js';
import { diagnoseHost } from './diagnose-host.js';
import { withForwarder, type SetupNetwork } from './egress/open-egress.js';
import type { Refusal } from './egress/refusals.js';
import { prepareLaunch, refusalLine } from './launcher.js';
import { findGroupPlace } from './limits/find-groups.js';
import { openResourceGroup, type GroupPlace, type ResourceGroup } from './limits/resource-group.js';
import { findHost, probeSandbox, type SandboxProbe } from './probe-sandbox.js';
import { runLaunch } from './run-launch.js';
import { seccompFilter } from './seccomp/seccomp-filter.js';

export interface Sandbox {
  readonly level: SandboxLevel;
  readonly detail: string;
  /**
   * Runs `sh -c command` and waits until nothing that it started is left (at level `none`: nothing of
   * its process group). A failing, slow or cancelled command is a result. Throws
   * `sandbox_unavailable` when the sandbox does not work, `workspace_failed` without the work tree.
   */
  runCommand(command: string, options: CommandOptions): Promise<CommandResult>;
  /**
   * Present where commands run in directories of the sandbox's own alone: makes one. Throws
   * `sandbox_unavailable`.
   */
  openRoom?(): Promise<SandboxRoom>;
}

/** `<directory>/tree` is the work tree, `<directory>/home` the commands' HOME; both are gone when it is disposed of. */
export interface SandboxRoom extends AsyncDisposable {
  readonly directory: string;
}

export interface SandboxOptions {
  /** Whether a host without `full` may run commands at a lower level. */
  readonly allowLowered: boolean;
  readonly probe?: (environment: NodeJS.ProcessEnv) => Promise<SandboxProbe>;
  /** Where tools, proxies and certificates are found; commands see none of it by themselves. */
  readonly hostEnvironment?: NodeJS.ProcessEnv;
  /** Whether control groups are used where there are any; they are by default. */
  readonly controlGroups?: boolean;
  /** What commands with network may reach at level `full`; absent: nothing. Lower levels cannot hold them to it. */
  readonly network?: SetupNetwork;
}

/** Throws `sandbox_unavailable` when the host has less than `full` and that is not allowed. */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const environment = options.hostEnvironment ?? process.env;
  const { level, detail, launcher } = await (options.probe ?? probeSandbox)(environment);
  if (level !== 'full' && !options.allowLowered) {
    const lacks = await diagnoseHost(environment);
    const ways = lacks.map(({ what, remedy }) => `${what}: ${remedy}`);
    throw new RunnerError(
      'sandbox_unavailable',
      `commands can only be run at level ${level} here, so this runner takes no tasks (${detail}). ` +
        `${[...ways, `or let SANDBOX_REQUIRED=${level} allow the lower level`].join('; ')}`,
    );
  }
  const groups = options.controlGroups === false ? undefined : findGroupPlace();
  const host = {
    ...(await findHost(environment)),
    ...(options.network && { network: options.network }),
    filter: seccompFilter(process.arch, groups === undefined),
  };
  return {
    level,
    detail: `${detail}; limits by ${groups ? `control groups (version ${groups.version})` : 'a watcher'}`,
    async runCommand(command, given) {
      const launch = await prepareLaunch(launcher, host, command, given);
      const { egress } = launch;
      const commandOptions = egress ? { ...given, limits: withForwarder(given.limits) } : given;
      let group: ResourceGroup | undefined;
      try {
        group = groups && openGroup(groups, commandOptions.limits);
        return tellRefusals(await runLaunch(launch, commandOptions, group), egress?.refusals() ?? []);
      } finally {
        await Promise.all([launch.dispose(), group?.remove()]);
      }
    },
  };
}

function openGroup(place: GroupPlace, limits: CommandLimits | undefined): ResourceGroup | undefined {
  const { memoryMb, processes, cpus, cpuSeconds } = limits ?? {};
  if ((memoryMb ?? processes ?? cpus ?? cpuSeconds) === undefined || !limits) return undefined;
  try {
    return openResourceGroup(place, limits);
  } catch (error) {
    throw new RunnerError('sandbox_unavailable', 'the control group of a command cannot be made', {
      cause: error,
    });
  }
}

/** A command that was refused a host mostly says something else of it, so its output ends with the reason. */
function tellRefusals(result: CommandResult, refusals: readonly Refusal[]): CommandResult {
  if (refusals.length === 0) return result;
  const lines = refusals.map(({ text }) => `${refusalLine(text)}\n`).join('');
  const { output, stderr } = result;
  return { ...result, output: closed(output) + lines, stderr: closed(stderr) + lines, refusals };
}

function closed(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
