import type { TaskKey, taskRegistry } from '@necrocode/contracts';
import { Observable } from 'rxjs';
import { eventsAfter } from './queries.js';
import type { Registry } from './registry.js';
import { requireRun } from './runs.js';
import { hasEnded, stateToWire } from './task-states.js';

/**
 * The events of a task past a sequence number, those to come included, until its current run has ended.
 *
 * @throws NOT_FOUND, as the stream's error
 */
export function watchTask(
  registry: Registry,
  key: TaskKey,
  afterSequence: bigint,
): Observable<taskRegistry.WatchTaskResponse> {
  return new Observable((subscriber) => {
    const { task } = requireRun(registry.sql, key);
    let last = Number(afterSequence);
    const send = () => {
      const { state } = requireRun(registry.sql, key);
      for (const event of eventsAfter(registry.sql, task, last)) {
        last = Number(event.sequence);
        subscriber.next({ event, state: stateToWire(state) });
      }
      if (hasEnded(state)) subscriber.complete();
    };
    const stop = registry.onCommitted(({ touched }) => {
      if (touched.has(task)) send();
    });
    send();
    return stop;
  });
}
