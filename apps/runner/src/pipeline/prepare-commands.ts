import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RunnerError } from '@necrocode/contracts';
import type { BaseTree } from '@necrocode/workspace';
import { commandsOf, type RepositoryFiles } from '../playbook/default-commands.js';
import type { Attempt } from './attempt.js';
import { seenAt } from './command-places.js';
import type { Slot } from './ports.js';
import type { Workspace } from './stages/prepare-workspace.js';
import { findingOf, runCommands, type CommandReport, type CommandZone } from './stages/run-commands.js';
import { Setup, type KeptSetup } from './stages/run-setup.js';

/** The task's commands, ready to run in its workspace. */
export interface PreparedCommands {
  /** Waits until the setup of the base has ended, however it has: it must not see a change come while it runs. */
  ready(): Promise<void>;
  /** Waits for the setup that fits the change. */
  setup(changed: readonly string[]): Promise<readonly CommandReport[]>;
  test(): Promise<readonly CommandReport[]>;
  /** Waits until nothing runs any more. */
  settle(): Promise<void>;
}

/**
 * Finds out which commands the task has and starts its setup, which runs on beside what follows.
 *
 * @throws RunnerError no_tests_found where the configuration demands tests
 */
export async function prepareCommands(
  attempt: Attempt,
  workspace: Workspace,
  slot: Slot,
): Promise<PreparedCommands> {
  const { task, record, stages, services, log } = attempt;
  const commands = await commandsOf(task, filesOf(workspace.tree));
  if (commands.test.length === 0) {
    const why = task.test_commands
      ? 'the task has an empty list of test commands'
      : 'no test command is known for this repository';
    if (services.settings.requireTests) {
      throw new RunnerError('no_tests_found', `${why}; give the task test_commands`);
    }
    record.warn(`nothing was tested: ${why}`);
  }
  log.info({ setup: commands.setup, test: commands.test, tests_from: commands.testsFrom }, 'commands chosen');
  const zone = await openZone(attempt, slot);
  const setup = new Setup(
    commands.setup,
    { ...zone, network: true },
    record.setupRuns,
    (run, facts) => stages.run('setup', run, (reports) => findingOf(reports, 'setup_failed'), facts),
    () => findKept(attempt, workspace, zone, commands.setup),
  );
  return {
    ready: () => setup.settle(),
    setup: (changed) => setup.forChange(changed),
    test: () => {
      const reports: CommandReport[] = [];
      record.testRuns.push(reports);
      return runCommands(commands.test, zone, task.fail_fast ?? true, reports);
    },
    settle: () => setup.settle(),
  };
}

async function findKept(
  { services, work, log }: Attempt,
  { url, tree, git, workTree }: Workspace,
  { homeDir }: CommandZone,
  commands: readonly string[],
): Promise<KeptSetup | undefined> {
  try {
    const opened = await services.openSetupCache({ url, commands, tree });
    return opened && { ...opened, place: { workTree, homeDir, tree, git, signal: work.signal } };
  } catch (error) {
    work.signal.throwIfAborted();
    log.warn({ error }, 'setup is done without its cache');
    return undefined;
  }
}

async function openZone(attempt: Attempt, slot: Slot): Promise<CommandZone> {
  const { services, work } = attempt;
  const homeDir = join(dirname(slot.workTree), 'home');
  // Not the slot above it: one that was taken back must not come to be again.
  await mkdir(homeDir).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
  return {
    sandbox: services.sandbox,
    workTree: slot.workTree,
    homeDir,
    network: false,
    seenAt,
    timeoutMs: services.settings.commandTimeoutMs,
    outputLimitBytes: services.settings.outputLimitBytes,
    limits: services.settings.limits,
    signal: work.signal,
    mask: services.mask,
    onOutput: (text) => attempt.showOutput(text),
    onLimit: (command, limit) => attempt.record.warn(`"${command}" reached its limit: ${limit}`),
  };
}

function filesOf(tree: BaseTree): RepositoryFiles {
  return {
    paths: new Set(tree.paths()),
    read: async (path) => (await tree.read([path])).get(path)?.toString('utf8'),
  };
}
