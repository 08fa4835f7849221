import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createInterface } from 'node:readline';
import type { RunOutcome } from './execute-runs.js';
import { laneCommand } from './lane-command.js';
import type { LaneJob } from './lane.js';
import type { NaiveKind } from './naive-stack.js';
import type { PlannedRun } from './plan-runs.js';

export interface SuiteOptions {
  readonly plan: readonly PlannedRun[];
  readonly naive: NaiveKind | undefined;
  /** Stacks side by side. */
  readonly stacks: number;
  readonly workDir: string;
  /** Keep the folders of stacks also where nothing was found. */
  readonly keep: boolean;
  readonly signal: AbortSignal;
  /** Lines of progress. */
  readonly tell: (line: string) => void;
  /** Told of every run that is over. */
  readonly onOutcome: (outcome: RunOutcome) => void;
}

/** A stack does so many runs and is then replaced, so that its data stay small. */
const runsPerStack = 100;
/** A fault may find its point passed by, when others strike the same task before. */
const triesPerRun = 3;

/**
 * Has all runs of the plan done, several stacks at a time.
 *
 * @throws when a stack could not be started or checked
 */
export async function runSuite(options: SuiteOptions): Promise<void> {
  const { plan, stacks, onOutcome } = options;
  // Runs that fill the disk have stacks of their own, which others should not be disturbed by.
  const [full = [], other = []] = [true, false].map((full) => plan.filter((run) => fillsDisk(run) === full));
  const waiting = [...shares(full, stacks), ...shares(other, stacks)];
  const tries = new Map<string, number>();
  let started = 0;
  const work = async () => {
    for (let runs = waiting.shift(); runs; runs = waiting.shift()) {
      const outcomes = await runLaneProcess(runs, (started += 1), options);
      const missed: PlannedRun[] = [];
      for (const outcome of outcomes) {
        const { run, struck, violations } = outcome;
        tries.set(run.seed, (tries.get(run.seed) ?? 0) + 1);
        if (struck || violations.length > 0 || tries.get(run.seed) === triesPerRun) onOutcome(outcome);
        else missed.push(run);
      }
      if (missed.length > 0) waiting.push(missed);
    }
  };
  await Promise.all(Array.from({ length: stacks }, work));
}

function fillsDisk({ fault }: PlannedRun): boolean {
  return fault.kind === 'DISK_FULL';
}

function shares(runs: readonly PlannedRun[], stacks: number): PlannedRun[][] {
  const size = Math.max(1, Math.min(runsPerStack, Math.ceil(runs.length / stacks)));
  return Array.from({ length: Math.ceil(runs.length / size) }, (_, index) =>
    runs.slice(index * size, (index + 1) * size),
  );
}

async function runLaneProcess(
  runs: readonly PlannedRun[],
  number: number,
  { naive, workDir, keep, signal, tell }: SuiteOptions,
): Promise<RunOutcome[]> {
  signal.throwIfAborted();
  const name = `chaos-${number}`;
  const folder = join(workDir, name);
  const smallDisk = runs.some(fillsDisk) ? join(folder, 'disk') : undefined;
  const job: LaneJob = { name, runs, naive, workDir: folder, smallDisk };
  const [command, ...args] = await laneCommand(job);
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const end = () => child.stdin.end();
  signal.addEventListener('abort', end, { once: true });
  createInterface({ input: child.stderr }).on('line', (line) => tell(`${name}: ${line}`));
  child.stdin.on('error', () => undefined).write(`${JSON.stringify(job)}\n`);
  const [output, [code]] = await Promise.all([
    text(child.stdout),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  signal.removeEventListener('abort', end);
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`${name} ended with code ${code ?? 'none'}; its folder is ${job.workDir}`);
  const outcomes = JSON.parse(output) as RunOutcome[];
  // What is found about a naive runner surprises nobody.
  const clean = naive !== undefined || outcomes.every(({ violations }) => violations.length === 0);
  if (clean && !keep) rmSync(folder, { recursive: true, force: true });
  return outcomes;
}
