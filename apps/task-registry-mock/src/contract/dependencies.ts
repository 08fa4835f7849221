import { taskRegistry as wire } from '@necrocode/contracts';
import { newSpec, taskOf, type RegistryClient } from './registry-client.js';

const { TaskState } = wire;

/** Tasks that wait for tasks. */
export function dependencyRules(client: () => RegistryClient): void {
  it('[AR-1.1] parks a task until all of its dependencies are done', async () => {
    const spec = newSpec();
    const key = { specName: spec, taskId: '3' };
    const third = taskOf(spec, '3', { dependencies: ['1', '2'] });
    expect((await client().claim(third)).parked?.reason).toBe('waits for 1, 2');
    await client().run(taskOf(spec, '1'), 'done');
    expect((await client().claim(third)).parked?.reason).toBe('waits for 1, 2');
    await client().run(taskOf(spec, '2'), 'done');
    expect(await client().state(key)).toBe(TaskState.TASK_STATE_READY);
    expect(await client().eventTypes(key)).toEqual(['TaskCreated', 'TaskParked', 'TaskReady']);
    await client().granted(third);
  });

  it('[AR-1.1] lets a task go on whose dependencies are done already', async () => {
    const spec = newSpec();
    await client().run(taskOf(spec, '1'), 'done');
    await client().granted(taskOf(spec, '2', { dependencies: ['1'] }));
  });

  it.each(['failed', 'cancelled'] as const)(
    '[AR-1.1] fails whatever depends on a %s task',
    async (status) => {
      const spec = newSpec();
      await client().claim(taskOf(spec, '3', { dependencies: ['2'] }));
      await client().claim(taskOf(spec, '2', { dependencies: ['1'] }));
      await client().run(taskOf(spec, '1'), status);
      for (const taskId of ['2', '3']) {
        expect(await client().errorCode({ specName: spec, taskId })).toBe('dependency_failed');
      }
      const late = await client().claim(taskOf(spec, '4', { dependencies: ['3'] }));
      expect(late.conflict?.code).toBe('dependency_failed');
    },
  );

  it('[AR-1.1] runs a dependant after both were retried', async () => {
    const spec = newSpec();
    const second = taskOf(spec, '2', { dependencies: ['1'] });
    await client().claim(second);
    await client().run(taskOf(spec, '1'), 'failed');
    await client().retry({ specName: spec, taskId: '1' });
    await client().retry({ specName: spec, taskId: '2' });
    expect(await client().state({ specName: spec, taskId: '2' })).toBe(TaskState.TASK_STATE_BLOCKED);
    await client().run(taskOf(spec, '1'), 'done');
    expect((await client().granted(second)).granted.run).toBe(2);
  });

  it('[AR-1.1] fails every task of a cycle and names it', async () => {
    const spec = newSpec();
    await client().claim(taskOf(spec, 'a', { dependencies: ['b'] }));
    await client().claim(taskOf(spec, 'b', { dependencies: ['c'] }));
    const { conflict } = await client().claim(taskOf(spec, 'c', { dependencies: ['a'] }));
    expect(conflict).toEqual({
      code: 'dependency_cycle',
      message: 'its dependencies form a cycle: c -> a -> b -> c',
    });
    for (const taskId of ['a', 'b', 'c']) {
      expect(await client().errorCode({ specName: spec, taskId })).toBe('dependency_cycle');
    }
  });

  it('[AR-1.1] fails a task that depends on itself', async () => {
    const { conflict } = await client().claim(taskOf(newSpec(), '1', { dependencies: ['1'] }));
    expect(conflict).toMatchObject({
      code: 'dependency_cycle',
      message: expect.stringContaining('1 -> 1') as string,
    });
  });

  it('[AR-15.1] takes up other content once a parked task was cancelled', async () => {
    const spec = newSpec();
    const waiting = taskOf(spec, '2', { dependencies: ['1'] });
    await client().claim(waiting);
    await client().cancel({ specName: spec, taskId: '2' });
    expect((await client().granted(taskOf(spec, '2'))).granted.run).toBe(2);
    // The first run's dependency is no longer this task's.
    await client().run(taskOf(spec, '1'), 'failed');
    expect(await client().state({ specName: spec, taskId: '2' })).toBe(TaskState.TASK_STATE_RUNNING);
  });
}
