import { taskRegistry as wire } from '@necrocode/contracts';
import { hash, newSpec, resultOf, taskOf, type RegistryClient } from './registry-client.js';

const { TaskState } = wire;
const lost = /FAILED_PRECONDITION.*lease is lost/;

/** Leases with fencing tokens, and what their holders may do. */
export function leaseRules(client: () => RegistryClient): void {
  it('[AR-15.1] gives a released task to the next runner, with a higher token and the checkpoint', async () => {
    const task = taskOf(newSpec(), '1');
    const first = await client().granted(task);
    await client().checkpoint(first, '{"stage":"push"}');
    await client().decide(first, hash('1'));
    await client().release(first);
    expect(await client().state(first.key)).toBe(TaskState.TASK_STATE_READY);
    const second = await client().granted(task, { runnerId: 'runner-2' });
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
    expect(second.granted).toMatchObject({ run: 1, attempt: 2, checkpointJson: '{"stage":"push"}' });
    expect(second.granted.decided?.commit).toBe(hash('1'));
    await expect(client().renew(first)).rejects.toThrow(lost);
    const { attempts } = await client().get(first.key);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['released', 'running']);
  });

  it('[AR-12.3] tells an attempt the traces of those before it, the oldest first', async () => {
    const task = taskOf(newSpec(), '1');
    const traces = ['1', '2', '3'].map((digit) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`);
    const told = [];
    for (const traceparent of [traces[0], '', traces[1], traces[2]]) {
      const held = await client().granted(task, { ...(traceparent && { traceparent }) });
      told.push(held.granted.earlierAttempts);
      await client().release(held);
    }
    expect(told.at(0)).toEqual([]);
    expect(told.at(-1)).toEqual([
      { attempt: 1, traceparent: traces[0] },
      { attempt: 3, traceparent: traces[1] },
    ]);
  });

  it('[AR-15.5] takes a lease back that was not renewed', async () => {
    const task = taskOf(newSpec(), '1');
    const first = await client().granted(task, { leaseSeconds: 1 });
    await client().until(first.key, 'LeaseExpired');
    const second = await client().granted(task, { runnerId: 'runner-2' });
    expect(second.granted.attempt).toBe(2);
    await expect(client().report(first, resultOf(task, 'done'))).rejects.toThrow(lost);
    const { attempts } = await client().get(first.key);
    expect(attempts.map(({ outcome }) => outcome)).toEqual(['expired', 'running']);
  });

  it('[AR-15.1] extends a lease and tells of a cancel', async () => {
    const held = await client().granted(taskOf(newSpec(), '1'), { leaseSeconds: 30 });
    const { expiresAt, cancelRequested } = await client().renew(held);
    expect(expiresAt?.getTime()).toBeGreaterThan(held.granted.lease?.expiresAt?.getTime() ?? Infinity);
    expect(cancelRequested).toBe(false);
    expect(await client().cancel(held.key, 'wrong task')).toEqual({ state: TaskState.TASK_STATE_RUNNING });
    expect((await client().renew(held)).cancelRequested).toBe(true);
    expect((await client().stage(held, 'push')).cancelRequested).toBe(true);
  });

  it('[AR-5.3] answers every later decision with the first one', async () => {
    const task = taskOf(newSpec(), '1');
    const first = await client().granted(task);
    expect((await client().decide(first, hash('1'))).decided?.commit).toBe(hash('1'));
    expect((await client().decide(first, hash('2'))).decided?.commit).toBe(hash('1'));
    await client().release(first);
    const second = await client().granted(task);
    expect((await client().decide(second, hash('3'))).decided?.commit).toBe(hash('1'));
    const types = await client().eventTypes(first.key);
    expect(types.filter((type) => type === 'CommitDecided')).toHaveLength(1);
    await expect(client().report(second, resultOf(task, 'done', { commit: hash('3') }))).rejects.toThrow(
      /FAILED_PRECONDITION.*decided commit/,
    );
  });

  it('[AR-5.3] refuses a decision that is no commit', async () => {
    const held = await client().granted(taskOf(newSpec(), '1'));
    await expect(client().decide(held, 'main')).rejects.toThrow(/INVALID_ARGUMENT.*commit/);
  });

  it('[AR-15.1] keeps stage, events and artifacts of the attempt', async () => {
    const held = await client().granted(taskOf(newSpec(), '1'));
    await client().stage(held, 'run_tests');
    await client().stage(held, 'run_tests');
    const time = new Date('2026-01-02T03:04:05.678Z');
    await client().append(held, 'RoundEnded', '{"round":1}', time);
    await client().artifact(held, 'artifact://a', 10n);
    await client().artifact(held, 'artifact://a', 20n);
    const { task, events, artifacts } = await client().get(held.key);
    expect(task?.stage).toBe('run_tests');
    expect(events.filter(({ type }) => type === 'StageStarted')).toHaveLength(1);
    expect(events.find(({ type }) => type === 'RoundEnded')).toMatchObject({
      dataJson: '{"round":1}',
      time,
      run: 1,
      attempt: 1,
    });
    expect(artifacts).toEqual([
      { type: 'diff', uri: 'artifact://a', sizeBytes: 20n, sha256: 'a'.repeat(64) },
    ]);
  });

  it.each([
    ['an unknown type', 'SomethingElse', '{}'],
    ['an ending', 'TaskCompleted', '{}'],
    ['data that is no object', 'RoundEnded', '[1]'],
    ['data that is no JSON', 'RoundEnded', '{'],
  ])('[AR-15.1] refuses an event with %s', async (_what, type, data) => {
    const held = await client().granted(taskOf(newSpec(), '1'));
    await expect(client().append(held, type, data)).rejects.toThrow(/INVALID_ARGUMENT.*event/);
  });
}
