import { keyOf, type Task } from '@necrocode/contracts';
import { tempDir } from '@necrocode/testkit';
import { cancelTask } from './cancel-task.js';
import { claimTask } from './claim-task.js';
import { newSpec, resultOf, taskOf } from './contract/registry-client.js';
import { readOrder } from './open-run.js';
import { noteQueued } from './queue-watch.js';
import { Registry } from './registry.js';
import { reportResult } from './report-result.js';
import { admitAllWaiting } from './repository-limit.js';
import { findRun, requireRun } from './runs.js';

describe('fairness between repositories', () => {
  const spec = newSpec();
  let folder: string;
  let registry: Registry;
  /** What a stream would hold: first come, first served. */
  let queue: Task[];

  const open = (fairSharePerRepo: number) => {
    const limits = { maxInFlightPerRepo: 0, fairSharePerRepo, maxAttempts: 5, maxLostAttempts: 10 };
    registry = new Registry({ dataDir: folder, ...limits });
  };
  const taskIn = (repository: string, n: number) =>
    taskOf(spec, `${repository}${n}`, { repo_url: `https://git.example/${repository}.git` });
  const orderOf = (task: Task, priority = 'normal') =>
    readOrder(JSON.stringify(task), { place: { queue: 'default', priority } });
  const publish = (repository: string, count: number) => {
    const tasks = Array.from({ length: count }, (_, n) => taskIn(repository, n + 1));
    queue.push(...tasks);
    registry.change((change) => tasks.forEach((task) => noteQueued(change, orderOf(task))));
  };
  const claim = (task: Task, priority?: string) =>
    registry.change((change) =>
      claimTask(change, { order: orderOf(task, priority), runnerId: 'r', leaseSeconds: 30 }),
    ).kind;
  const finish = (id: string) => {
    const task = taskOf(spec, id);
    const { fencingToken } = requireRun(registry.sql, keyOf(task));
    registry.change((change) =>
      reportResult(change, keyOf(task), BigInt(fencingToken), resultOf(task, 'done')),
    );
  };
  const stateOf = (id: string) => findRun(registry.sql, { specName: spec, taskId: id })?.state;
  /** The outbox empties into the queue. */
  const republished = () => {
    const rows = registry.sql(
      `SELECT id, body FROM outbox WHERE subject LIKE 'necrocode.tasks.%' ORDER BY id`,
    );
    for (const { body } of rows.all() as { body: string }[]) queue.push(JSON.parse(body) as Task);
    registry.sql(`DELETE FROM outbox WHERE subject LIKE 'necrocode.tasks.%'`).run();
  };
  /** Takes messages until a task is granted; undefined: the queue is empty. */
  const next = (): string | undefined => {
    for (;;) {
      republished();
      const task = queue.shift();
      if (!task) return undefined;
      if (claim(task) === 'granted') return task.task_id;
    }
  };

  beforeEach(() => {
    folder = tempDir();
    queue = [];
    open(2);
  });
  afterEach(() => registry.close());

  it('[AR-14.3] lets one task of another repository pass hundreds that came before it', () => {
    publish('a', 300);
    publish('b', 1);
    expect([next(), next(), next()]).toEqual(['a1', 'a2', 'b1']);
    // With nobody to let go first, the share limits nothing; and nobody is forgotten.
    const order = Array.from({ length: 298 }, () => next());
    expect(order).toEqual(Array.from({ length: 298 }, (_, n) => `a${n + 3}`));
    expect(next()).toBeUndefined();
  });

  it('[AR-14.3] takes only a few tasks out again for the next one of another repository', () => {
    publish('a', 300);
    publish('b', 1);
    for (let n = 0; n < 3; n += 1) next();
    republished();
    expect(queue.length).toBeLessThanOrEqual(32);
    queue.push(taskIn('b', 2));
    registry.change((change) => noteQueued(change, orderOf(taskIn('b', 2))));
    expect(next()).toBe('b2');
  });

  it('[AR-14.3] lets a repository have its share while others wait, as its tasks end', () => {
    publish('a', 4);
    publish('b', 3);
    expect([next(), next(), next(), next()]).toEqual(['a1', 'a2', 'b1', 'b2']);
    expect(next()).toBe('b3');
    finish('a1');
    expect(next()).toBe('a3');
  });

  it('[AR-14.3] lets parked tasks go when the others are gone, and after a restart without a share', () => {
    publish('a', 4);
    publish('b', 1);
    next();
    next();
    expect(claim(taskIn('a', 3))).toBe('parked');
    registry.change((change) => cancelTask(change, requireRun(registry.sql, keyOf(taskIn('b', 1))), ''));
    expect(stateOf('a3')).toBe('ready');
    publish('c', 1);
    expect(claim(taskIn('a', 3))).toBe('parked');
    registry.close();
    open(0);
    registry.change(admitAllWaiting);
    expect(stateOf('a3')).toBe('ready');
    expect(claim(taskIn('a', 3))).toBe('granted');
  });

  it('[AR-14.3] looks at one queue and priority only', () => {
    publish('a', 3);
    registry.change((change) => noteQueued(change, orderOf(taskIn('b', 1), 'low')));
    expect([next(), next(), next()]).toEqual(['a1', 'a2', 'a3']);
  });
});
