import { taskRegistry as wire } from '@necrocode/contracts';
import { newSpec, resultOf, taskOf, type RegistryClient, type RegistryUnderTest } from './registry-client.js';

const { TaskState } = wire;

/** What can be asked, and that a restart changes none of the answers. */
export function queryRules(client: () => RegistryClient, registry: () => RegistryUnderTest): void {
  it('[AR-15.1] says NOT_FOUND for a key that it does not know', async () => {
    const key = { specName: newSpec(), taskId: '1' };
    await expect(client().get(key)).rejects.toThrow(/NOT_FOUND/);
    await expect(client().cancel(key)).rejects.toThrow(/NOT_FOUND/);
    await expect(client().retry(key)).rejects.toThrow(/NOT_FOUND/);
    await expect(client().renew({ key, fencingToken: 1n })).rejects.toThrow(/NOT_FOUND/);
    await expect(client().watch(key).next()).rejects.toThrow(/NOT_FOUND/);
  });

  it('[AR-15.1] lists pages in the order of creation', async () => {
    const specName = newSpec();
    const ids = ['e', 'd', 'c', 'b', 'a'];
    for (const id of ids) await client().create(taskOf(specName, id));
    const first = await client().list({ specName, pageSize: 2 });
    await client().create(taskOf(specName, '0'));
    const second = await client().list({ specName, pageSize: 2, pageToken: first.nextPageToken });
    const third = await client().list({ specName, pageSize: 2, pageToken: second.nextPageToken });
    const listed = [first, second, third].flatMap(({ tasks }) => tasks.map(({ key }) => key?.taskId));
    expect(listed).toEqual([...ids, '0']);
    expect(third.nextPageToken).toBe('');
    await expect(client().list({ pageToken: 'made-up' })).rejects.toThrow(/INVALID_ARGUMENT.*page_token/);
  });

  it('[AR-15.1] lists by state, skill and id', async () => {
    const specName = newSpec();
    await client().create(taskOf(specName, 'r', { required_skill: 'backend' }));
    await client().run(taskOf(specName, 'd'), 'done');
    await client().run(taskOf(specName, 'f'), 'failed');
    const ids = async (request: Parameters<RegistryClient['list']>[0]) =>
      (await client().list({ specName, ...request })).tasks.map(({ key }) => key?.taskId);
    expect(await ids({ states: [TaskState.TASK_STATE_DONE, TaskState.TASK_STATE_FAILED] })).toEqual([
      'd',
      'f',
    ]);
    expect(await ids({ requiredSkill: 'backend' })).toEqual(['r']);
    expect(await ids({ taskId: 'f' })).toEqual(['f']);
  });

  it('[AR-15.1] streams the events so far, then live ones, until the run has ended', async () => {
    const task = taskOf(newSpec(), '1');
    const held = await client().granted(task);
    const seen: string[] = [];
    let last: wire.WatchTaskResponse | undefined;
    for await (const response of client().watch(held.key)) {
      seen.push(response.event?.type ?? '');
      if (seen.length === 2) await client().stage(held, 'push');
      if (response.event?.type === 'StageStarted') await client().report(held, resultOf(task, 'done'));
      last = response;
    }
    expect(seen).toEqual(['TaskCreated', 'TaskClaimed', 'StageStarted', 'TaskCompleted']);
    expect(last?.state).toBe(TaskState.TASK_STATE_DONE);
    const rest: unknown[] = [];
    for await (const { event } of client().watch(held.key, 2n)) rest.push(event?.sequence);
    expect(rest).toEqual([3n, 4n]);
  });

  it('[AR-1.3] lists the runners that announced themselves', async () => {
    await client().registerRunner('runner-listed');
    await client().registerRunner('runner-listed');
    const { runners } = await client().listRunners(60);
    expect(runners.filter(({ runnerId }) => runnerId === 'runner-listed')).toMatchObject([
      { hostname: 'host', queues: ['default', 'backend'], maxParallel: 2, sandbox: 'full' },
    ]);
  });

  it('[AR-15.1] keeps everything over a restart, and its tokens go on growing', async () => {
    const spec = newSpec();
    const running = await client().granted(taskOf(spec, '1'));
    await client().checkpoint(running, '{"round":2}');
    await client().run(taskOf(spec, '2'), 'done');
    await client().claim(taskOf(spec, '3', { dependencies: ['1'] }));
    const ids = ['1', '2', '3'];
    const before = await Promise.all(ids.map((taskId) => client().get({ specName: spec, taskId })));
    const { fencingToken: latest } = await client().granted(taskOf(spec, '4'));
    await registry().restart();
    client().reconnect();
    const after = await Promise.all(ids.map((taskId) => client().get({ specName: spec, taskId })));
    expect(after).toEqual(before);
    const { granted } = await client().claim(taskOf(spec, '5'));
    expect(granted?.lease?.fencingToken).toBeGreaterThan(latest);
    await client().report(running, resultOf(taskOf(spec, '1'), 'done'));
    expect(await client().state({ specName: spec, taskId: '3' })).toBe(TaskState.TASK_STATE_READY);
  });
}
