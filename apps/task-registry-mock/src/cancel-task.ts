import { needsLastLook } from './attempt-limits.js';
import { isAbout, keepEarlyCancel, type CancelRequest } from './early-cancels.js';
import { endRunWith } from './end-run.js';
import { makeReady } from './make-ready.js';
import { recordEvent } from './outbox.js';
import type { Change } from './registry.js';
import { findRun, keyOfRun, updateRun, type Run } from './runs.js';
import { hasEnded } from './task-states.js';

/**
 * Cancels a task: at once while nobody works on it, else by asking its runner to stop. A run that has
 * decided its commit goes back to the queue first, for a runner to look whether the remote has it. Asking
 * again, or for a task that has ended, changes nothing.
 */
export function cancelTask(change: Change, run: Run, reason: string): Run {
  const why = reason || defaultReason;
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

/**
 * Carries out a request, which may have waited. Over NATS it counts for what had been published before it, both
 * by the server's clock. A run that came without a message has no such time: for it every request counts that
 * is heard after it, since a task that was cancelled once too often can be had run again. One for an unknown key
 * is kept for a while.
 */
export function cancelAsAsked(change: Change, request: CancelRequest): Run | undefined {
  const { key, askedAt } = request;
  const reason = request.reason || defaultReason;
  const run = findRun(change.sql, key);
  if (!run) {
    keepEarlyCancel(change, { key, reason, askedAt });
    return undefined;
  }
  const meant = askedAt === undefined || run.publishedAt === null || isAbout(askedAt, run.publishedAt);
  return meant ? cancelTask(change, run, reason) : run;
}

const defaultReason = 'cancelled on request';
