import { needsLastLook } from './attempt-limits.js';
import { endRunWith } from './end-run.js';
import { makeReady } from './make-ready.js';
import { recordEvent } from './outbox.js';
import type { Change } from './registry.js';
import { keyOfRun, updateRun, type Run } from './runs.js';
import { hasEnded } from './task-states.js';

/**
 * Cancels a task: at once while nobody works on it, else by asking its runner to stop. A run that has
 * decided its commit goes back to the queue first, for a runner to look whether the remote has it. Asking
 * again, or for a task that has ended, changes nothing.
 */
export function cancelTask(change: Change, run: Run, reason: string): Run {
  const why = reason || 'cancelled on request';
  if (hasEnded(run.state) || run.cancelReason !== null) return run;
  if (run.state !== 'running' && !needsLastLook(run)) {
    return endRunWith(change, run, { status: 'cancelled', code: 'cancelled', message: why });
  }
  const asked = updateRun(change, run, { cancelReason: why });
  recordEvent(change, asked, 'CancelRequested', { reason: why });
  if (asked.state !== 'running') return makeReady(change, asked);
  change.cancels.push({ key: keyOfRun(asked), reason: why });
  return asked;
}
