import { endRunWith } from './end-run.js';
import { publishDeadLetter } from './outbox.js';
import type { Change } from './registry.js';
import { updateRun, type Run } from './runs.js';

/** Counts an attempt that ended without a result: it failed, or it was lost with its runner. */
export function countAttempt(change: Change, run: Run, how: 'failed' | 'lost'): Run {
  return how === 'failed'
    ? updateRun(change, run, { failedAttempts: run.failedAttempts + 1 })
    : updateRun(change, run, { lostAttempts: run.lostAttempts + 1 });
}

/**
 * What a run becomes when its last attempt has ended without a result: failed, with a dead letter. The
 * second limit ends a task that takes every runner with it; drained runners alone seldom reach it.
 *
 * @param reason why the last attempt ended
 */
export function exhaustedInstead(change: Change, run: Run, reason: string): Run | undefined {
  const { maxAttempts, maxLostAttempts } = change.limits;
  const failed = run.failedAttempts >= maxAttempts;
  if (!failed && run.lostAttempts < maxLostAttempts) return undefined;
  const count = failed
    ? `${run.failedAttempts} attempts failed`
    : `${run.lostAttempts} attempts ended with their runners`;
  const verdict = { code: 'attempts_exhausted', message: `${count}; the last one: ${reason}` } as const;
  const ended = endRunWith(change, run, { status: 'failed', ...verdict });
  publishDeadLetter(change, ended, verdict);
  return ended;
}

/** How long a task waits after so many failed attempts: what failed at once may need a while to heal. */
export function pauseAfter(failedAttempts: number): number {
  return pausesSeconds[Math.min(failedAttempts, pausesSeconds.length) - 1] ?? 0;
}

const pausesSeconds = [1, 5, 15, 60, 120];
