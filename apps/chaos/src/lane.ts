import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { executeRuns, type RunOutcome } from './execute-runs.js';
import { Gate } from './gate.js';
import { Ledger } from './ledger.js';
import { startNaiveStack, type NaiveKind } from './naive-stack.js';
import type { PlannedRun } from './plan-runs.js';
import { startGitRemote } from './proxy/git-remote.js';
import { GitRepositories } from './proxy/git-repositories.js';
import { leaseSeconds, type Scene } from './scene.js';
import { startWatchedStack } from './watched-stack.js';
import type { World } from './world.js';

/** A share of the runs, for one stack. */
export interface LaneJob {
  /** Name of the stack and of the spec of its tasks. */
  readonly name: string;
  readonly runs: readonly PlannedRun[];
  /** Undefined: the real runner. */
  readonly naive: NaiveKind | undefined;
  /** Folder of the lane's own, for everything. */
  readonly workDir: string;
  /** A small file system that is mounted for this lane. */
  readonly smallDisk: string | undefined;
}

const runners = 2;
const maxParallel = 3;

/**
 * Starts a stack, does the runs, looks at the result, ends the stack.
 *
 * @param signal ends the stack early
 * @throws when the stack does not start or the signal is aborted; nothing is left running
 */
export async function runLane(
  job: LaneJob,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<RunOutcome[]> {
  const { name, runs, naive, workDir } = job;
  mkdirSync(workDir, { recursive: true });
  const ledger = new Ledger();
  const gate = new Gate(ledger, { leaseMs: leaseSeconds * 1000 }, tell);
  const scene: Scene = { gate, ledger, repositories: new GitRepositories(join(workDir, 'remotes')) };
  await using ends = new AsyncDisposableStack();
  const remote = await startGitRemote(scene);
  ends.defer(() => remote.close());
  const world = await startWorld(job, scene);
  ends.defer(() => world.stop());
  gate.open(world);
  return await executeRuns(world, scene, runs, {
    spec: name,
    remoteUrl: `http://127.0.0.1:${remote.port}`,
    window: runners * maxParallel,
    signal,
    ...(naive ? naivePatience : patience),
  });
}

/** Far more than any run needs, also on a machine that is busy. */
const patience = { deadlineMs: 180_000, quietDeadlineMs: 90_000 };
/** What a naive runner has not done after two redeliveries it will never do. */
const naivePatience = { deadlineMs: 25_000, quietDeadlineMs: 10_000 };

function startWorld({ name, naive, workDir, smallDisk }: LaneJob, scene: Scene): Promise<World> {
  const options = { name, dataDir: join(workDir, 'stack'), runners };
  return naive
    ? startNaiveStack({ ...options, kind: naive }, scene)
    : startWatchedStack({ ...options, maxParallel, smallDisk }, scene);
}
