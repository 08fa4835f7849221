import { keyOf } from '@necrocode/contracts';
import { keyConflict, runOfContent } from './claim-task.js';
import { openRun, readOrder, type Order } from './open-run.js';
import { publishTask, republishTask } from './outbox.js';
import { alreadyExists, notNow } from './refusals.js';
import type { Change } from './registry.js';
import { documentOf, findRun, headersOf, nameOf, type Run } from './runs.js';

/**
 * Makes a task known and has it published to its queue as soon as it is ready.
 *
 * @returns the run of this content, and whether it is new
 * @throws ALREADY_EXISTS (key_conflict) when the key has other content that is under way or done
 */
export function createTask(change: Change, order: Order): { readonly run: Run; readonly created: boolean } {
  const current = findRun(change.sql, keyOf(order.task));
  const same = current && runOfContent(change, current, order.digest);
  if (same) return { run: same, created: false };
  const conflict = current && keyConflict(current);
  if (conflict) throw alreadyExists(`key_conflict: ${conflict}`);
  const opened = openRun(change, order);
  if (opened.kind === 'ready') publishTask(change, opened.run);
  return { run: opened.run, created: true };
}

/**
 * Starts the next run of a failed or cancelled task, with the content of the last one.
 *
 * @throws FAILED_PRECONDITION in any other state, or when the last run never held a valid task
 */
export function retryTask(change: Change, last: Run): Run {
  if (last.state !== 'failed' && last.state !== 'cancelled') {
    throw notNow(`${nameOf(last)} is ${last.state}; only a failed or cancelled task can be retried`);
  }
  const opened = openRun(change, orderOf(change, last));
  if (opened.kind === 'ready') republishTask(change, opened.run);
  return opened.run;
}

function orderOf({ sql }: Change, run: Run): Order {
  try {
    return readOrder(documentOf(sql, run, 'task'), {
      place: run,
      traceparent: run.traceparent,
      headers: headersOf(sql, run),
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unreadable';
    throw notNow(
      `${nameOf(run)} was refused and cannot be retried as it is (${why}); submit a corrected task`,
    );
  }
}
