import { priorities, sandboxLevels } from '@necrocode/contracts';
import { gauges, type Observation } from '@necrocode/telemetry';
import type { Registry, Sql } from './registry.js';
import { listRunners } from './runners.js';
import { currentRuns } from './runs.js';
import { taskStates } from './task-states.js';

/** A runner tells of itself every 15 s; one that was not heard for longer serves nothing. */
const silentMs = 60_000;

/** Reports tasks, queues and runners as metrics, read when somebody looks. */
export function measureRegistry(registry: Registry): void {
  const { sql, now } = registry;
  const runners = () => listRunners(sql, now() - silentMs);
  gauges('necrocode.registry.tasks', 'Tasks by the state of their latest run', '{task}', () => tasks(sql));
  gauges('necrocode.registry.queue.depth', 'Tasks that are ready and wait for a runner', '{task}', () =>
    ofPlaces(sql, servedQueues(runners()), ({ ready }) => ready),
  );
  gauges('necrocode.registry.queue.oldest_age', 'Age of the task that has waited longest', 's', () =>
    ofPlaces(sql, servedQueues(runners()), ({ since }) =>
      since === null ? 0 : Math.max(0, now() - since) / 1000,
    ),
  );
  gauges('necrocode.registry.queue.runners', 'Runners that serve a queue', '{runner}', () =>
    runnersOfQueues(sql, servedQueues(runners())),
  );
  gauges('necrocode.registry.runners', 'Runners by their sandbox level', '{runner}', () => {
    const present = runners();
    return sandboxLevels.map((level) => ({
      value: present.filter(({ sandbox }) => sandbox === level).length,
      attributes: { 'necrocode.sandbox': level },
    }));
  });
}

function tasks(sql: Sql): Observation[] {
  const rows = sql(`SELECT r.state, count(*) AS tasks FROM ${currentRuns} GROUP BY r.state`).all() as {
    state: string;
    tasks: number;
  }[];
  const counts = new Map(rows.map((row) => [row.state, row.tasks]));
  return taskStates.map((state) => ({
    value: counts.get(state) ?? 0,
    attributes: { 'necrocode.task.state': state },
  }));
}

interface Place {
  readonly queue: string;
  readonly priority: string;
  readonly ready: number;
  /** Since when the oldest waits; milliseconds since 1970. */
  readonly since: number | null;
}

/** Of every place where tasks wait, and, as empty ones, of the places that somebody serves. */
function ofPlaces(
  sql: Sql,
  served: ReadonlyMap<string, number>,
  value: (place: Place) => number,
): Observation[] {
  const waiting = placesWithReady(sql);
  const isWaiting = (queue: string, priority: string) =>
    waiting.some((place) => place.queue === queue && place.priority === priority);
  const empty = [...served.keys()].flatMap((queue) =>
    priorities
      .filter((priority) => !isWaiting(queue, priority))
      .map((priority) => ({ queue, priority, ready: 0, since: null })),
  );
  return [...waiting, ...empty].map((place) => ({
    value: value(place),
    attributes: { 'necrocode.queue': place.queue, 'necrocode.priority': place.priority },
  }));
}

/** A queue with tasks that nobody serves counts 0. */
function runnersOfQueues(sql: Sql, served: ReadonlyMap<string, number>): Observation[] {
  const queues = new Set([...placesWithReady(sql).map(({ queue }) => queue), ...served.keys()]);
  return [...queues].map((queue) => ({
    value: served.get(queue) ?? 0,
    attributes: { 'necrocode.queue': queue },
  }));
}

function placesWithReady(sql: Sql): Place[] {
  return sql(
    `SELECT queue, priority, count(*) AS ready, min(ready_since) AS since FROM runs
     WHERE state = 'ready' GROUP BY queue, priority`,
  ).all() as unknown as Place[];
}

/** How many runners serve a queue. */
function servedQueues(runners: readonly { readonly queues: readonly string[] }[]): Map<string, number> {
  const served = new Map<string, number>();
  for (const queue of runners.flatMap(({ queues }) => queues)) {
    served.set(queue, (served.get(queue) ?? 0) + 1);
  }
  return served;
}
