import { taskRegistry as wire } from '@necrocode/contracts';
import { newSpec, resultOf, taskOf, type RegistryClient } from './registry-client.js';

const { TaskState } = wire;

/** Who may work on a task, and which content a key has. */
export function claimRules(client: () => RegistryClient): void {
  it('[AR-15.1] grants a new task with run 1, attempt 1 and a lease', async () => {
    const { granted, key } = await client().granted(taskOf(newSpec(), '1'));
    expect(granted).toMatchObject({
      run: 1,
      attempt: 1,
      checkpointJson: '',
      decided: undefined,
      earlierCommits: [],
    });
    expect(granted.lease?.fencingToken).toBeGreaterThan(0n);
    expect(await client().state(key)).toBe(TaskState.TASK_STATE_RUNNING);
    expect(await client().eventTypes(key)).toEqual(['TaskCreated', 'TaskClaimed']);
  });

  it('[AR-1.2] refuses an invalid task and names every problem', async () => {
    const invalid = JSON.stringify({ spec_name: 's', task_id: '1', colour: 'red' });
    await expect(client().claim(taskOf(newSpec(), '1'), { taskJson: invalid })).rejects.toThrow(
      /INVALID_ARGUMENT.*title.*description.*repo_url.*colour/,
    );
  });

  it('[AR-14.3] tells a second claim that the task is being worked on, whatever its spelling', async () => {
    const task = taskOf(newSpec(), '1');
    await client().granted(task);
    const respelled = JSON.stringify(Object.fromEntries(Object.entries(task).reverse()), null, 2);
    const { alreadyHandled } = await client().claim(task, { runnerId: 'runner-2', taskJson: respelled });
    expect(alreadyHandled).toEqual({ state: TaskState.TASK_STATE_RUNNING, run: 1 });
  });

  it.each(['done', 'failed', 'cancelled'] as const)(
    '[AR-14.3] does nothing for the same content after %s',
    async (status) => {
      const task = taskOf(newSpec(), '1');
      await client().run(task, status);
      const { alreadyHandled } = await client().claim(task);
      expect(alreadyHandled).toEqual({
        state: TaskState[`TASK_STATE_${status.toUpperCase() as 'DONE'}`],
        run: 1,
      });
    },
  );

  it.each(['failed', 'cancelled'] as const)(
    '[AR-15.1] starts the next run for other content after %s',
    async (status) => {
      const task = taskOf(newSpec(), '1');
      await client().run(task, status);
      const { granted } = await client().granted({ ...task, title: 'Better' });
      expect(granted).toMatchObject({ run: 2, attempt: 1 });
    },
  );

  it('[AR-14.3] does not start the content of an earlier run again', async () => {
    const task = taskOf(newSpec(), '1');
    await client().run(task, 'failed');
    await client().run({ ...task, title: 'Better' }, 'failed');
    expect((await client().claim(task)).alreadyHandled).toEqual({
      state: TaskState.TASK_STATE_FAILED,
      run: 1,
    });
  });

  it('[AR-14.3] refuses other content while the key is running and after it is done', async () => {
    const task = taskOf(newSpec(), '1');
    const held = await client().granted(task);
    const other = { ...task, title: 'Other' };
    expect((await client().claim(other)).conflict?.code).toBe('key_conflict');
    await client().report(held, resultOf(task, 'done'));
    expect((await client().claim(other)).conflict?.code).toBe('key_conflict');
    const types = await client().eventTypes(held.key);
    expect(types.filter((type) => type === 'TaskRefused')).toHaveLength(2);
    expect((await client().get(held.key)).task).toMatchObject({ run: 1, state: TaskState.TASK_STATE_DONE });
  });

  it('[AR-5.4] fails a task whose branch belongs to another key', async () => {
    const spec = newSpec();
    await client().granted(taskOf(spec, '1', { branch_name: 'shared' }));
    const second = taskOf(spec, '2', { branch_name: 'shared' });
    expect((await client().claim(second)).conflict?.code).toBe('branch_conflict');
    const key = { specName: spec, taskId: '2' };
    expect(await client().errorCode(key)).toBe('branch_conflict');
    expect(await client().eventTypes(key)).toEqual(['TaskCreated', 'TaskFailed']);
    // The same branch in another repository is another branch.
    await client().granted(
      taskOf(spec, '3', { branch_name: 'shared', repo_url: 'https://git.example/other.git' }),
    );
  });

  it('[AR-15.4] answers a repeated claim with the first answer', async () => {
    const task = taskOf(newSpec(), '1');
    const first = await client().claim(task, { idempotencyKey: `claim-${task.spec_name}` });
    const again = await client().claim(task, { idempotencyKey: `claim-${task.spec_name}` });
    expect(again).toEqual(first);
    expect((await client().get({ specName: task.spec_name, taskId: '1' })).attempts).toHaveLength(1);
  });

  it('[AR-15.1] publishes a created task once, and says so when it is known', async () => {
    const task = taskOf(newSpec(), '1');
    expect(await client().create(task)).toMatchObject({
      run: 1,
      state: TaskState.TASK_STATE_READY,
      created: true,
    });
    expect(await client().create(task)).toMatchObject({ run: 1, created: false });
    await expect(client().create({ ...task, title: 'Other' })).rejects.toThrow(
      /ALREADY_EXISTS.*key_conflict/,
    );
    expect((await client().granted(task)).granted.run).toBe(1);
  });

  it('[AR-1.2] gives a refused task a failed result, once', async () => {
    const spec = newSpec();
    const key = { specName: spec, taskId: '1' };
    const original = Buffer.from(JSON.stringify({ spec_name: spec, task_id: '1' }));
    expect(await client().refuse({ key, original })).toEqual({ resultCreated: true });
    expect(await client().refuse({ key, original })).toEqual({ resultCreated: false });
    expect(await client().errorCode(key)).toBe('invalid_task');
    expect(await client().eventTypes(key)).toEqual(['TaskRefused', 'TaskFailed', 'TaskRefused']);
    expect(await client().refuse({ original: Buffer.from('garbage') })).toEqual({ resultCreated: false });
    await expect(client().retry(key)).rejects.toThrow(/FAILED_PRECONDITION.*corrected/);
    expect((await client().granted(taskOf(spec, '1'))).granted.run).toBe(2);
  });
}
