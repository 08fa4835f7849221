import { setTimeout as pause } from 'node:timers/promises';
import { digestOf, formatKey, keyOf, parseTask, type Task, type TaskResult } from '@necrocode/contracts';
import { openTaskRegistry, type KnownTask, type TaskRegistry } from '../reach/task-registry.js';
import type { Session } from '../session.js';
import { describeTask, hasEnded, type Status, type TaskDocument } from '../show/task-document.js';
import { harmlessLine } from '../show/terminal.js';
import { followRun } from './follow-run.js';

/** What the registry knew of a key before a task was published under it. */
export interface Standing {
  /** 0 when it knew nothing. */
  readonly lastSequence: number;
}

export interface Ending {
  /** `refused` when the task never became a run. */
  readonly status: Status | 'refused';
  readonly run: number | null;
  readonly result: TaskResult | null;
}

/** Taken before publishing, so that what comes of the publication can be told from what was there. */
export async function noteStanding(task: Task, { endpoints }: Session): Promise<Standing> {
  const registry = openTaskRegistry(endpoints.taskRegistry);
  try {
    const known = await registry.findTask(keyOf(task));
    return { lastSequence: Number(known?.events.at(-1)?.sequence ?? 0n) };
  } finally {
    registry.close();
  }
}

/**
 * Waits until a runner has taken the task, then shows its run until it ends.
 *
 * @param aside shows progress on standard error, so that the answer is alone on standard output
 */
export async function followSubmission(
  task: Task,
  before: Standing,
  duplicate: boolean,
  aside: boolean,
  session: Session,
): Promise<Ending> {
  const key = keyOf(task);
  const registry = openTaskRegistry(session.endpoints.taskRegistry);
  try {
    const fate = await awaitFate(task, before, registry, session);
    switch (fate.kind) {
      case 'refused':
        session.terminal.note(`${formatKey(key)} was refused: ${harmlessLine(fate.reason)}`);
        return { status: 'refused', run: null, result: null };
      case 'run': {
        if (fate.ended && duplicate)
          session.terminal.note('this content has been run before; its ending stands');
        return await followRun({ key, run: fate.run, registry, aside }, session);
      }
    }
  } finally {
    registry.close();
  }
}

type Fate =
  | { readonly kind: 'run'; readonly run: number; readonly ended: boolean }
  | { readonly kind: 'refused'; readonly reason: string };

/** Nobody announces a key that the registry does not know yet, so it is asked. */
const askAgainMs = 200;
const asksUntilRemark = 50;

async function awaitFate(
  task: Task,
  before: Standing,
  registry: TaskRegistry,
  session: Session,
): Promise<Fate> {
  for (let asked = 1; ; asked += 1) {
    const known = await registry.findTask(keyOf(task));
    const fate = known?.task && fateOf(task, { ...known, task: known.task }, before);
    if (fate) return fate;
    if (asked === asksUntilRemark) {
      session.terminal.note('no runner has taken the task yet, still waiting (necro doctor may tell why)');
    }
    await pause(askAgainMs);
  }
}

/** What became of this content under its key; undefined when nothing has yet. */
function fateOf(task: Task, known: KnownTask, before: Standing): Fate | undefined {
  const document = describeTask(known);
  const { run: current } = known.task;
  const run = runOfContent(digestOf(task), document) ?? (isContent(task, known) ? current : undefined);
  if (run === current) return { kind: 'run', run, ended: hasEnded(document.status) };
  if (run !== undefined) {
    const reason = `this content was run ${run}, and run ${current} had another; necro retry starts the latter again`;
    return { kind: 'refused', reason };
  }
  const refusal = document.events.find(
    ({ type, sequence, data }) =>
      type === 'TaskRefused' &&
      sequence > before.lastSequence &&
      (data.digest ?? digestOf(task)) === digestOf(task),
  );
  return (
    refusal && { kind: 'refused', reason: `${String(refusal.data.code)}: ${String(refusal.data.message)}` }
  );
}

function runOfContent(digest: string, { events }: TaskDocument): number | undefined {
  return events.findLast(({ type, data }) => type === 'TaskCreated' && data.digest === digest)?.run;
}

/** For runs that began without being created, because they were refused. */
function isContent(task: Task, { task: { taskJson } }: KnownTask): boolean {
  const parsed = parseTask(taskJson);
  return parsed.kind === 'task' && digestOf(parsed.task) === digestOf(task);
}
