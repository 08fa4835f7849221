import { setTimeout as pause } from 'node:timers/promises';
import { checkTask } from './check-task.js';
import { formatPlace, type FaultKind } from './fault-points.js';
import type { TaskLedger } from './ledger.js';
import type { PlannedRun } from './plan-runs.js';
import type { Scene } from './scene.js';
import { taskDocument } from './task-document.js';
import type { Violation } from './violations.js';
import type { World } from './world.js';

export interface ExecuteOptions {
  readonly spec: string;
  /** Where the repositories are served, without a slash at the end. */
  readonly remoteUrl: string;
  /** Tasks under way at the same time. */
  readonly window: number;
  /** From the publishing of a task: one that has come to no end by then, and not by the end of all, is lost. */
  readonly deadlineMs: number;
  /** After the last task: for the slots, and for messages that come again. */
  readonly quietDeadlineMs: number;
  /** Ends the waiting; what was found is lost. */
  readonly signal: AbortSignal;
}

export interface RunOutcome {
  readonly run: PlannedRun;
  readonly key: string;
  /** A run counts only when its fault has struck. */
  readonly struck: boolean;
  readonly state: string | undefined;
  readonly errorCode: string | undefined;
  readonly attempts: number;
  readonly llmCalls: number;
  readonly violations: readonly Violation[];
}

interface UnderWay {
  readonly run: PlannedRun;
  readonly taskId: string;
  readonly task: TaskLedger;
  readonly startedAt: number;
  endedAt?: number;
}

const pollMs = 250;
/** After the end of a task: for faults that strike its last steps. */
const lastStepsMs = 4_000;
/** Needs the other runner, so one such fault has to be over before the next is planned in. */
const exclusive: ReadonlySet<FaultKind> = new Set(['STOP']);

/** Has a world do the tasks of the runs, each with its fault, and looks at what it has done when all is quiet. */
export async function executeRuns(
  world: World,
  scene: Scene,
  runs: readonly PlannedRun[],
  options: ExecuteOptions,
): Promise<RunOutcome[]> {
  const waiting = [...runs];
  const underWay = new Set<UnderWay>();
  const over: UnderWay[] = [];
  while (waiting.length > 0 || underWay.size > 0) {
    for (
      let next = takeNext(waiting, underWay, options.window);
      next;
      next = takeNext(waiting, underWay, options.window)
    ) {
      underWay.add(await start(next, over.length + underWay.size + 1, world, scene, options));
    }
    await pause(pollMs, undefined, { signal: options.signal });
    await noteEnds(world, underWay, options.spec);
    for (const one of underWay) {
      if (!isOver(one, scene, options)) continue;
      underWay.delete(one);
      over.push(one);
    }
  }
  await quiet(world, options);
  over.forEach(({ task }) => scene.gate.disarm(task.key));
  return judge(world, scene, over, options.spec);
}

function takeNext(
  waiting: PlannedRun[],
  underWay: ReadonlySet<UnderWay>,
  window: number,
): PlannedRun | undefined {
  if (underWay.size >= window) return undefined;
  const busy = [...underWay].some((one) => exclusive.has(one.run.fault.kind) && !hasStruck(one));
  const index = waiting.findIndex(({ fault }) => !busy || !exclusive.has(fault.kind));
  return index < 0 ? undefined : waiting.splice(index, 1)[0];
}

async function start(
  run: PlannedRun,
  number: number,
  world: World,
  { gate, ledger, repositories }: Scene,
  { spec, remoteUrl }: ExecuteOptions,
): Promise<UnderWay> {
  const taskId = `t${number}`;
  const key = `${spec}/${taskId}`;
  const task = ledger.open(key);
  repositories.create(key);
  const body = JSON.stringify(taskDocument(spec, taskId, `${remoteUrl}/${key}.git`, run));
  gate.arm(key, run, body);
  await world.publish(body, key);
  return { run, taskId, task, startedAt: Date.now() };
}

/** Asks for the ends that have come; a service that is away at the moment is asked again later. */
async function noteEnds(world: World, underWay: ReadonlySet<UnderWay>, spec: string): Promise<void> {
  const ended = await world.endedTasks(spec).catch(() => new Map<string, string>());
  for (const one of underWay) {
    if (!ended.has(one.taskId)) continue;
    one.endedAt ??= Date.now();
    one.task.ended = true;
  }
}

function isOver(one: UnderWay, { gate }: Scene, { deadlineMs }: ExecuteOptions): boolean {
  const now = Date.now();
  if (one.endedAt === undefined) return now - one.startedAt > deadlineMs;
  return hasStruck(one) || gate.next(one.task.key) === undefined || now - one.endedAt > lastStepsMs;
}

function hasStruck({ run, task }: UnderWay): boolean {
  return task.fired.includes(run.fault);
}

/** Waits until no message and no slot is left, or until that is a finding. */
async function quiet(world: World, { spec, quietDeadlineMs, signal }: ExecuteOptions): Promise<void> {
  const end = Date.now() + quietDeadlineMs;
  const isQuiet = async () => (await world.waiting(spec)) === 0 && (await world.leakedSlots()).length === 0;
  while (Date.now() < end && !(await isQuiet().catch(() => false)))
    await pause(pollMs, undefined, { signal });
}

async function judge(
  world: World,
  { repositories }: Scene,
  over: readonly UnderWay[],
  spec: string,
): Promise<RunOutcome[]> {
  const [states, results, leaked, waiting] = await Promise.all([
    world.endedTasks(spec),
    world.results(spec),
    world.leakedSlots(),
    world.waiting(spec),
  ]);
  const outcomes: RunOutcome[] = [];
  for (const { run, task, taskId, ...one } of over) {
    const state = states.get(taskId);
    const ownResults = results.get(taskId) ?? [];
    const violations = await checkTask({ task, state, results: ownResults, leaked }, repositories);
    outcomes.push({
      run,
      key: task.key,
      struck: hasStruck({ run, task, taskId, ...one }),
      state,
      errorCode: ownResults[0]?.error?.code,
      attempts: task.holders.length,
      llmCalls: task.calls.length,
      violations,
    });
  }
  const nobodys = leaked.filter(({ key }) => !outcomes.some((outcome) => outcome.key === key));
  const [first, ...rest] = outcomes;
  if (!first || (nobodys.length === 0 && waiting === 0)) return outcomes;
  // Nobody's fault in particular is told with the first run, so that it is counted and seen.
  const more: Violation[] = nobodys.map(({ what }) => ({ column: 'leaked slots', what }));
  if (waiting > 0)
    more.push({ column: 'lost', what: `${waiting} messages are still to be delivered or acknowledged` });
  return [{ ...first, violations: [...first.violations, ...more] }, ...rest];
}

/** One line that says how to see a run again. */
export function describeOutcome({ run, key, state, errorCode, attempts, llmCalls }: RunOutcome): string {
  const { seed, fault } = run;
  const ending = errorCode ? `${state ?? 'no end'} (${errorCode})` : (state ?? 'no end');
  return `seed ${seed}, ${formatPlace(fault)} ${fault.kind}, ${key}: ${ending}, ${attempts} attempts, ${llmCalls} LLM calls`;
}
