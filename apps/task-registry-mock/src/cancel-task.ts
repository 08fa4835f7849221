import { endRunWith } from './end-run.js';
import { recordEvent } from './outbox.js';
import type { Change } from './registry.js';
import { keyOfRun, updateRun, type Run } from './runs.js';
import { hasEnded } from './task-states.js';

/**
 * Cancels a task: at once while nobody works on it, else by asking its runner to stop. Asking again, or
 * for a task that has ended, changes nothing.
 */
export function cancelTask(change: Change, run: Run, reason: string): Run {
  const why = reason || 'cancelled on request';
  if (hasEnded(run.state)) return run;
  if (run.state !== 'running') {
    return endRunWith(change, run, { status: 'cancelled', code: 'cancelled', message: why });
  }
  if (run.cancelReason !== null) return run;
  const asked = updateRun(change, run, { cancelReason: why });
  recordEvent(change, asked, 'CancelRequested', { reason: why });
  change.cancels.push({ key: keyOfRun(asked), reason: why });
  return asked;
}
