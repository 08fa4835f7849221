import { endRunWith, type RegistryVerdict } from './end-run.js';
import type { Change, RegistryLimits } from './registry.js';
import { updateRun, type Run } from './runs.js';

/** Counts an attempt that ended without a result: it failed, or it was lost with its runner. */
export function countAttempt(change: Change, run: Run, how: 'failed' | 'lost'): Run {
  return how === 'failed'
    ? updateRun(change, run, { failedAttempts: run.failedAttempts + 1 })
    : updateRun(change, run, { lostAttempts: run.lostAttempts + 1 });
}

/**
 * Why nobody may work on a run any more: somebody has cancelled it, or it has used up its attempts. The
 * second limit ends a task that takes every runner with it. Attempts that drained runners give back count
 * for neither.
 *
 * @param lastEnding why the last attempt ended, where that is known
 */
export function verdictOn(
  run: Run,
  limits: RegistryLimits,
  lastEnding?: string,
): RegistryVerdict | undefined {
  if (run.cancelReason !== null) {
    return { status: 'cancelled', code: 'cancelled', message: run.cancelReason };
  }
  const { maxAttempts, maxLostAttempts } = limits;
  const failed = run.failedAttempts >= maxAttempts;
  if (!failed && run.lostAttempts < maxLostAttempts) return undefined;
  const count = failed
    ? `${run.failedAttempts} attempts failed`
    : `${run.lostAttempts} attempts ended with their runners`;
  const message = lastEnding === undefined ? count : `${count}; the last one: ${lastEnding}`;
  return { status: 'failed', code: 'attempts_exhausted', message };
}

/**
 * Whether a run that nobody may work on is still given to a runner: its decided commit may have been pushed
 * by one that could not tell any more, and what the remote has accepted counts. A remote that does not
 * answer so many attempts is not waited for.
 */
export function needsLastLook(run: Run): boolean {
  return run.decidedJson !== null && run.lastLooks < mostLastLooks;
}

const mostLastLooks = 5;

/**
 * What a run becomes when its lease has ended and nobody may work on it any more; undefined when it goes on,
 * if only for a last look.
 */
export function endedInstead(change: Change, run: Run, lastEnding?: string): Run | undefined {
  const verdict = verdictOn(run, change.limits, lastEnding);
  if (!verdict || needsLastLook(run)) return undefined;
  const unknown = 'the remote could not be asked whether it has accepted the decided commit';
  return endRunWith(change, run, run.decidedJson === null ? verdict : { ...verdict, warning: unknown });
}

/** How long a task waits after so many failed attempts: what failed at once may need a while to heal. */
export function pauseAfter(failedAttempts: number): number {
  return pausesSeconds[Math.min(failedAttempts, pausesSeconds.length) - 1] ?? 0;
}

const pausesSeconds = [1, 5, 15, 60, 120];
