import { taskRegistry as wire, type TaskResult } from '@necrocode/contracts';
import { hash, newSpec, resultOf, taskOf, type RegistryClient } from './registry-client.js';

const { TaskState } = wire;

/** How runs end: reports, cancels, retries, parking. */
export function endingRules(client: () => RegistryClient): void {
  it.each([
    ['done', 'TaskCompleted', TaskState.TASK_STATE_DONE],
    ['failed', 'TaskFailed', TaskState.TASK_STATE_FAILED],
    ['cancelled', 'TaskCancelled', TaskState.TASK_STATE_CANCELLED],
  ] as const)('[AR-7.1] ends a run as %s with event %s', async (status, event, state) => {
    const task = taskOf(newSpec(), '1');
    const held = await client().granted(task);
    expect(await client().report(held, resultOf(task, status))).toEqual({ state, accepted: true });
    const { task: record, events, attempts } = await client().get(held.key);
    expect(record?.state).toBe(state);
    expect((JSON.parse(record?.resultJson ?? '') as TaskResult).status).toBe(status);
    expect(events.at(-1)?.type).toBe(event);
    expect(attempts[0]).toMatchObject({ outcome: status });
  });

  it('[AR-7.1] keeps the first report and tells a second one so', async () => {
    const task = taskOf(newSpec(), '1');
    const held = await client().granted(task);
    await client().report(held, resultOf(task, 'done'));
    const second = await client().report(held, resultOf(task, 'failed'));
    expect(second).toEqual({ state: TaskState.TASK_STATE_DONE, accepted: false });
    expect(
      (await client().get(held.key)).events.filter(({ type }) => /^Task(Comp|Fail)/.test(type)),
    ).toHaveLength(1);
  });

  it('[AR-15.4] answers a repeated report as the first', async () => {
    const task = taskOf(newSpec(), '1');
    const held = await client().granted(task);
    const first = await client().report(held, resultOf(task, 'done'), `report-${task.spec_name}`);
    expect(await client().report(held, resultOf(task, 'done'), `report-${task.spec_name}`)).toEqual(first);
  });

  it('[AR-7.2] refuses a result that is invalid or of another task', async () => {
    const task = taskOf(newSpec(), '1');
    const held = await client().granted(task);
    const invalid = { ...resultOf(task, 'done'), attempts: -1, surprise: true };
    await expect(client().report(held, invalid)).rejects.toThrow(/INVALID_ARGUMENT.*attempts.*surprise/);
    await expect(client().report(held, resultOf({ ...task, task_id: '2' }, 'done'))).rejects.toThrow(
      /INVALID_ARGUMENT/,
    );
    await expect(client().report(held, resultOf(task, 'done', { run: 2 }))).rejects.toThrow(
      /INVALID_ARGUMENT.*run 2/,
    );
  });

  it('[AR-6.5] keeps artifacts that come after the end, from the last holder of the lease alone', async () => {
    const task = taskOf(newSpec(), '1');
    const first = await client().granted(task);
    await client().release(first);
    const last = await client().granted(task);
    await client().report(last, resultOf(task, 'failed'));
    await client().artifact(last, 'artifact://late', 7n);
    for (const fencingToken of [first.fencingToken, last.fencingToken + 1n, 0n]) {
      const stale = { key: last.key, fencingToken };
      await expect(client().artifact(stale, 'artifact://stale', 7n)).rejects.toThrow(/FAILED_PRECONDITION/);
    }
    // Also while the next run is under way.
    await client().retry(last.key);
    const next = await client().granted(task);
    await client().artifact(last, 'artifact://later', 8n);
    await client().artifact(next, 'artifact://next', 9n);
    const { artifacts, events } = await client().get(last.key);
    expect(artifacts.map(({ uri }) => uri)).toEqual([
      'artifact://late',
      'artifact://later',
      'artifact://next',
    ]);
    const stored = events.filter(({ type }) => type === 'ArtifactStored');
    expect(stored.map(({ run }) => run)).toEqual([1, 1, 2]);
  });

  it('[AR-8.3] fails a waiting task whose message a runner had to end, but no other content of its key', async () => {
    const task = taskOf(newSpec(), '1');
    await client().create(task);
    const key = { specName: task.spec_name, taskId: '1' };
    const refuse = (content: object) =>
      client().refuse({
        key,
        code: 'internal',
        message: 'broke',
        original: Buffer.from(JSON.stringify(content)),
      });
    expect(await refuse({ ...task, title: 'Another' })).toEqual({ resultCreated: false });
    expect(await client().state(key)).toBe(TaskState.TASK_STATE_READY);
    expect(await refuse(task)).toEqual({ resultCreated: true });
    expect(await client().errorCode(key)).toBe('internal');
  });

  it('[AR-1.5] cancels a ready task at once', async () => {
    const task = taskOf(newSpec(), '1');
    await client().create(task);
    const key = { specName: task.spec_name, taskId: '1' };
    expect(await client().cancel(key, 'not needed')).toEqual({ state: TaskState.TASK_STATE_CANCELLED });
    expect(await client().errorCode(key)).toBe('cancelled');
    expect(await client().cancel(key)).toEqual({ state: TaskState.TASK_STATE_CANCELLED });
    expect((await client().claim(task)).alreadyHandled?.state).toBe(TaskState.TASK_STATE_CANCELLED);
  });

  it('[AR-1.5] asks the runner of a running task to stop, once, and ends it when the lease is given back', async () => {
    const held = await client().granted(taskOf(newSpec(), '1'));
    await client().cancel(held.key, 'not needed');
    await client().cancel(held.key, 'really');
    const types = await client().eventTypes(held.key);
    expect(types.filter((type) => type === 'CancelRequested')).toHaveLength(1);
    expect((await client().get(held.key)).task?.cancelRequested).toBe(true);
    await client().release(held);
    expect(await client().state(held.key)).toBe(TaskState.TASK_STATE_CANCELLED);
  });

  it('[AR-5.4] ends no cancelled run that has decided its commit before a runner has looked at the remote', async () => {
    const task = taskOf(newSpec(), '1');
    const dead = await client().granted(task);
    await client().decide(dead, hash('1'));
    await client().cancel(dead.key, 'not needed');
    await client().release(dead);
    expect(await client().state(dead.key)).toBe(TaskState.TASK_STATE_READY);
    const looking = await client().granted(task);
    expect(looking.granted).toMatchObject({
      decided: { commit: hash('1') },
      lastLook: { status: 'cancelled', code: 'cancelled', message: 'not needed' },
    });
    // Who looks is not to be stopped by what it looks for.
    expect((await client().renew(looking)).cancelRequested).toBe(false);
    await client().report(looking, resultOf(task, 'done', { commit: hash('1'), pushed: true }));
    expect(await client().state(dead.key)).toBe(TaskState.TASK_STATE_DONE);
  });

  it('[AR-5.4] has a waiting run looked after that is cancelled after it decided its commit', async () => {
    const task = taskOf(newSpec(), '1');
    const dead = await client().granted(task);
    await client().decide(dead, hash('1'));
    await client().park(dead.key, dead.fencingToken);
    expect(await client().cancel(dead.key)).toEqual({ state: TaskState.TASK_STATE_READY });
    for (let look = 1; look <= 5; look += 1) await client().release(await client().granted(task));
    // A remote that never answers is not waited for without end, and that is said.
    expect(await client().state(dead.key)).toBe(TaskState.TASK_STATE_CANCELLED);
    const { task: record } = await client().get(dead.key);
    expect(record?.resultJson).toMatch(/"pushed":false.*could not be asked/);
  });

  it('[AR-15.1] retries a failed task as its next run, which knows the earlier commit', async () => {
    const task = taskOf(newSpec(), '1');
    const held = await client().granted(task);
    await expect(client().retry(held.key)).rejects.toThrow(/FAILED_PRECONDITION.*running/);
    await client().decide(held, hash('1'));
    await client().report(held, resultOf(task, 'failed'));
    expect(await client().retry(held.key)).toEqual({ run: 2 });
    const second = await client().granted(task);
    expect(second.granted).toMatchObject({
      run: 2,
      attempt: 1,
      decided: undefined,
      earlierCommits: [hash('1')],
    });
    const late = await client().report(held, resultOf(task, 'done'));
    expect(late).toEqual({ state: TaskState.TASK_STATE_FAILED, accepted: false });
    expect(await client().state(held.key)).toBe(TaskState.TASK_STATE_RUNNING);
  });

  it('[AR-15.1] keeps a parked task out of the queue until it is unparked', async () => {
    const task = taskOf(newSpec(), '1');
    await client().create(task);
    const key = { specName: task.spec_name, taskId: '1' };
    await client().park(key);
    expect((await client().claim(task)).parked?.reason).toBe('not today');
    expect(await client().unpark(key)).toEqual({ state: TaskState.TASK_STATE_READY });
    const held = await client().granted(task);
    await expect(client().park(key)).rejects.toThrow(/FAILED_PRECONDITION.*running/);
    await client().park(key, held.fencingToken);
    expect(await client().state(key)).toBe(TaskState.TASK_STATE_BLOCKED);
  });
}
