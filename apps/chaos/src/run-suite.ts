import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createInterface } from 'node:readline';
import { workspaceRoot } from '@necrocode/stack';
import type { RunOutcome } from './execute-runs.js';
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
  const size = Math.max(1, Math.min(runsPerStack, Math.ceil(plan.length / stacks)));
  const waiting: PlannedRun[][] = [];
  for (let start = 0; start < plan.length; start += size) waiting.push(plan.slice(start, start + size));
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

/** From its built files, wherever this one is run from. */
const program = join(workspaceRoot, 'apps/chaos/dist/lane-process.js');

async function runLaneProcess(
  runs: readonly PlannedRun[],
  number: number,
  { naive, workDir, keep, signal, tell }: SuiteOptions,
): Promise<RunOutcome[]> {
  signal.throwIfAborted();
  const name = `chaos-${number}`;
  const job: LaneJob = { name, runs, naive, workDir: join(workDir, name), keep };
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'pipe'] });
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
  return JSON.parse(output) as RunOutcome[];
}
