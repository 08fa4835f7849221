import { recordEvent, republishTask } from './outbox.js';
import type { Change } from './registry.js';
import { updateRun, type Run } from './runs.js';

/** Facts of a run that nobody works on. */
export const withoutLease = { runnerId: '', stage: '', leaseExpiresAt: null } as const;

/** Puts a run that was blocked or running back into its queue, after a delay where one is given. */
export function makeReady(change: Change, run: Run, delaySeconds = 0): Run {
  const ready = updateRun(change, run, {
    ...withoutLease,
    state: 'ready',
    readySince: change.now + delaySeconds * 1000,
    blockedBy: null,
    blockedReason: '',
  });
  republishTask(change, ready, delaySeconds);
  return ready;
}

/** The same for a run that waited for something that has come about. */
export function unblock(change: Change, run: Run): Run {
  const ready = makeReady(change, run);
  recordEvent(change, ready, 'TaskReady', { waited_for: run.blockedReason });
  return ready;
}
