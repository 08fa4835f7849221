import type { TaskKey } from '@necrocode/contracts';
import type { Change, Sql } from './registry.js';
import { currentRuns, runColumns, type Run } from './runs.js';
import type { RunState } from './task-states.js';

/** How a task stands to the tasks it depends on, all of its own spec. */
export type DependencyStanding =
  | { readonly kind: 'met' }
  | { readonly kind: 'open'; readonly waitingFor: readonly string[] }
  | { readonly kind: 'failed'; readonly dependency: string; readonly state: RunState }
  /** Ids along the cycle, from the task back to itself. */
  | { readonly kind: 'cycle'; readonly path: readonly string[] };

/** Replaces what is known of a task's dependencies. */
export function saveDependencies({ sql }: Change, run: Run, dependencies: readonly string[]): void {
  sql('DELETE FROM dependencies WHERE task = ?').run(run.task);
  const insert = sql('INSERT OR IGNORE INTO dependencies (task, spec_name, depends_on) VALUES (?, ?, ?)');
  for (const dependency of dependencies) insert.run(run.task, run.specName, dependency);
}

export function dependencyStanding(sql: Sql, run: Run): DependencyStanding {
  const dependencies = dependenciesOf(sql, run);
  const unmet = dependencies.filter(({ state }) => state !== 'done');
  if (unmet.length === 0) return { kind: 'met' };
  const path = findCycle(sql, run);
  if (path) return { kind: 'cycle', path };
  for (const { id, state } of unmet) {
    if (state === 'failed' || state === 'cancelled') return { kind: 'failed', dependency: id, state };
  }
  return { kind: 'open', waitingFor: unmet.map(({ id }) => id) };
}

export function dependenciesAreMet(sql: Sql, run: Run): boolean {
  const unmet = sql(
    `SELECT 1 FROM dependencies d
     LEFT JOIN tasks t ON t.spec_name = d.spec_name AND t.task_id = d.depends_on
     LEFT JOIN runs r ON r.task = t.id AND r.run = t.run
     WHERE d.task = ? AND r.state IS NOT 'done' LIMIT 1`,
  );
  return unmet.get(run.task) === undefined;
}

/** Blocked runs that depend on a task. */
export function blockedDependants(sql: Sql, run: Run): Run[] {
  return sql(
    `SELECT ${runColumns} FROM ${currentRuns} JOIN dependencies d ON d.task = t.id
     WHERE d.spec_name = ? AND d.depends_on = ? AND r.state = 'blocked' ORDER BY t.id`,
  ).all(run.specName, run.taskId) as unknown as Run[];
}

interface Dependency {
  readonly id: string;
  /** Null for a task that is not known yet. */
  readonly state: RunState | null;
}

function dependenciesOf(sql: Sql, { specName, taskId }: TaskKey): Dependency[] {
  return sql(
    `SELECT d.depends_on AS id, r.state AS state
     FROM tasks mine JOIN dependencies d ON d.task = mine.id
     LEFT JOIN tasks t ON t.spec_name = d.spec_name AND t.task_id = d.depends_on
     LEFT JOIN runs r ON r.task = t.id AND r.run = t.run
     WHERE mine.spec_name = ? AND mine.task_id = ? ORDER BY d.depends_on`,
  ).all(specName, taskId) as unknown as Dependency[];
}

/** Breadth first over tasks that are not done, since a task that is done waits for nobody. */
function findCycle(sql: Sql, start: Run): string[] | undefined {
  // Most tasks come after those they need and before those that need them: then there is nothing to walk.
  const needed = sql('SELECT 1 FROM dependencies WHERE spec_name = ? AND depends_on = ? LIMIT 1');
  if (needed.get(start.specName, start.taskId) === undefined) return undefined;
  const neededBy = new Map<string, string>();
  const visited = [start.taskId];
  for (const id of visited) {
    for (const { id: next, state } of dependenciesOf(sql, { specName: start.specName, taskId: id })) {
      if (state === 'done' || neededBy.has(next)) continue;
      neededBy.set(next, id);
      if (next === start.taskId) return pathBack(neededBy, next);
      visited.push(next);
    }
  }
  return undefined;
}

function pathBack(neededBy: ReadonlyMap<string, string>, start: string): string[] {
  const path = [start];
  let id = neededBy.get(start);
  while (id !== undefined && id !== start) {
    path.unshift(id);
    id = neededBy.get(id);
  }
  return [start, ...path];
}
