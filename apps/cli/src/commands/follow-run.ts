import { setTimeout as pause } from 'node:timers/promises';
import { formatKey, RunnerError, type TaskKey } from '@necrocode/contracts';
import type { TaskRegistry } from '../reach/task-registry.js';
import type { Session } from '../session.js';
import { progressLine, troubleLine } from '../show/progress.js';
import { styleOfStatus } from '../show/status-style.js';
import { describeEvent, describeTask, hasEnded, type EventDocument } from '../show/task-document.js';
import { renderResult } from '../show/task-report.js';
import { paint } from '../show/terminal.js';
import type { Ending } from './follow-submission.js';
import { listenToLog, type LiveLine } from './listen-to-log.js';

interface FollowedRun {
  readonly key: TaskKey;
  /** Events of earlier runs are not shown. */
  readonly run: number;
  readonly registry: TaskRegistry;
  /** Shows everything on standard error. */
  readonly aside?: boolean;
  /** Shows what commands print as well. */
  readonly output?: boolean;
}

/** Shows a run until it has ended: what has happened, what happens, and how it ended. */
export async function followRun(followed: FollowedRun, session: Session): Promise<Ending> {
  const { key, run, registry, aside, output } = followed;
  const { terminal } = session;
  const show = (line: string | undefined) => {
    if (line === undefined) return;
    if (aside) terminal.note(line);
    else terminal.print(line);
  };
  const live = await listenToLog(key, session, (line) => showLive(line, Boolean(output), show, session));
  try {
    for await (const event of eventsUntilEnd(key, run, registry, session))
      show(progressLine(event, terminal));
  } finally {
    await live.stop();
  }
  const { task, ...rest } = await registry.getTask(key);
  const { status, result } = describeTask({ task, ...rest });
  show(`\n${paint(terminal, styleOfStatus(status) ?? 'reset', status)}  ${formatKey(key)}, run ${task.run}`);
  if (result) show(`\n${renderResult(result, terminal)}`);
  return { status, run: task.run, result };
}

/** Tries, a second apart, to find the registry again; a restart takes less. */
const mostLosses = 30;

/**
 * Events of a run until it has ended. A stream that breaks is taken up after the last event seen.
 *
 * @throws RunnerError registry_unavailable when the registry stays away
 */
export async function* eventsUntilEnd(
  key: TaskKey,
  run: number,
  registry: TaskRegistry,
  { terminal }: Pick<Session, 'terminal'>,
): AsyncIterable<EventDocument> {
  let last = 0n;
  let losses = 0;
  for (;;) {
    try {
      for await (const { event } of registry.watch(key, last, new AbortController().signal)) {
        losses = 0;
        if (!event) continue;
        last = event.sequence;
        if (event.run >= run) yield describeEvent(event);
      }
      if (hasEnded(describeTask(await registry.getTask(key)).status)) return;
    } catch (error) {
      losses += 1;
      const passing = error instanceof RunnerError && error.code === 'registry_unavailable';
      if (!passing || last === 0n || losses > mostLosses) throw error;
      if (losses === 1) terminal.note('the Task Registry is away, waiting for it to come back');
    }
    await pause(1_000);
  }
}

function showLive(
  line: LiveLine,
  output: boolean,
  show: (line: string | undefined) => void,
  { terminal }: Session,
): void {
  if (line.kind === 'log') return show(troubleLine(line.fields, terminal));
  if (!output) return;
  for (const text of line.text.replace(/\n$/, '').split('\n')) show(`    ${paint(terminal, 'dim', text)}`);
}
