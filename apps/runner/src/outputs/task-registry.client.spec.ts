import {
  defaultPlace,
  formatKey,
  keyOf,
  noUsage,
  taskRegistry as wire,
  type Task,
  type TaskResult,
} from '@necrocode/contracts';
import { call, createClient, status } from '@necrocode/rpc';
import { createMask } from '@necrocode/telemetry';
import { eventually } from '@necrocode/testkit';
import { emptyCheckpoint } from '../pipeline/checkpoint.js';
import type { Lease } from '../pipeline/ports.js';
import { startFaulty, specTask, type FaultyService } from './spec-services.js';
import { createTaskRegistryClient, type TaskRegistryClient } from './task-registry.client.js';

const messageOf = (task: Task) => ({
  body: Buffer.from(JSON.stringify(task)),
  place: defaultPlace,
  headers: {},
  publishedAt: new Date(),
});

describe('the task registry, seen from a runner', () => {
  let service: FaultyService;
  let client: TaskRegistryClient;
  let raw: InstanceType<typeof wire.TaskRegistryServiceClient>;
  beforeAll(async () => {
    // Nothing has to be published here.
    service = await startFaulty('task-registry-mock', { NATS_URL: 'nats://127.0.0.1:1' });
    client = createTaskRegistryClient(service.endpoint, 'runner-1', 60, createMask([]));
    raw = createClient(wire.TaskRegistryServiceClient, service.address);
  }, 60_000);
  afterAll(async () => {
    client.close();
    raw.close();
    await service.end();
  });
  afterEach(() => service.setFaults());

  let tasks = 0;
  const newTask = () => specTask(String((tasks += 1)));
  const claimed = async (task: Task): Promise<Lease> => {
    const claim = await client.claim(task, messageOf(task));
    if (claim.kind !== 'granted') throw new Error(`${formatKey(keyOf(task))} was not granted`);
    return claim.lease;
  };
  const history = (task: Task) =>
    call(raw.getTask.bind(raw), { key: keyOf(task) }, { deadlineMs: 5_000, patienceMs: 20_000 });
  const eventTypes = async (task: Task) => (await history(task)).events.map(({ type }) => type);

  /** Every changing call on behalf of an attempt, and the one event that it leaves. */
  const calls: [string, string, (lease: Lease, task: Task) => Promise<unknown>][] = [
    ['ReleaseLease', 'LeaseReleased', (lease) => client.giveBack(lease, 'no_slot: none')],
    ['SaveCheckpoint', '', (lease) => client.saveCheckpoint(lease, emptyCheckpoint)],
    ['DecideCommit', 'CommitDecided', (lease) => client.decide(lease, commit)],
    ['AppendEvents', 'RoundEnded', (lease) => client.addEvents(lease, [round])],
    ['ReportResult', 'TaskCompleted', (lease, task) => client.report(lease, resultOf(task))],
  ];

  it('[AR-1.5] tells of a cancellation at once, and of one that came while it was not heard', async () => {
    const [heard, late] = [newTask(), newTask()];
    const told: string[] = [];
    const leases = [await claimed(heard), await claimed(late)];
    const cancel = (task: Task) =>
      call(
        raw.cancelTask.bind(raw),
        { idempotencyKey: '', key: keyOf(task), reason: 'enough' },
        { deadlineMs: 5_000, patienceMs: 20_000 },
      );
    const stops = leases.map((lease) => client.watchCancel(lease, () => told.push(lease.key.taskId)));
    await cancel(heard);
    await eventually('it is told', () => (told.length === 1 ? true : undefined));
    await service.end('SIGKILL');
    await service.start();
    await cancel(late);
    await eventually('both are told', () => (told.length === 2 ? true : undefined));
    expect(told).toEqual([heard.task_id, late.task_id]);
    for (const stop of stops) stop();
  });

  it('[AR-15.4] claims once although the reply is lost', async () => {
    const task = newTask();
    await service.setFaults({ method: 'ClaimTask', dropReply: true, count: 2 });
    await claimed(task);
    expect((await history(task)).attempts).toHaveLength(1);
  });

  it.each(calls)('[AR-15.4] does %s once although the reply is lost', async (method, event, send) => {
    const task = newTask();
    const lease = await claimed(task);
    await service.setFaults({ method, dropReply: true, count: 2 });
    await send(lease, task);
    const types = await eventTypes(task);
    expect(types.filter((type) => type === event)).toHaveLength(event === '' ? 0 : 1);
  });

  it.each([status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.RESOURCE_EXHAUSTED, status.ABORTED])(
    '[AR-8.2] waits while every call fails with status %i',
    async (statusCode) => {
      const task = newTask();
      await service.setFaults({ statusCode, count: 3 });
      const lease = await claimed(task);
      await service.setFaults({ statusCode, count: 3 });
      expect(await client.report(lease, resultOf(task))).toEqual({ state: 'done', accepted: true });
    },
  );

  it('[AR-8.2] gives a service that is only slow more time', async () => {
    const task = newTask();
    const lease = await claimed(task);
    await service.setFaults({ method: 'DecideCommit', latencyMs: 7_000 });
    expect((await client.decide(lease, commit)).byEarlierAttempt).toBe(false);
    const types = await eventTypes(task);
    expect(types.filter((type) => type === 'CommitDecided')).toHaveLength(1);
  }, 60_000);

  it.each(calls)(
    '[AR-14.3] takes a refused %s for what it is: the lease is lost',
    async (_method, _event, send) => {
      const task = newTask();
      const lease = await claimed(task);
      await client.giveBack(lease, 'no_slot: none');
      await expect(send(lease, task)).rejects.toMatchObject({ code: 'lease_lost' });
    },
  );

  it('[AR-15.5] reports once, after the registry was killed and came back', async () => {
    const task = newTask();
    const lease = await claimed(task);
    await service.end('SIGKILL');
    // Not waited for here: the spool keeps what could not be told, and tells it again.
    await expect(client.report(lease, resultOf(task))).rejects.toMatchObject({
      code: 'registry_unavailable',
    });
    const checkpoint = client.saveCheckpoint(lease, emptyCheckpoint);
    await service.start();
    await checkpoint;
    expect(await client.report(lease, resultOf(task))).toEqual({ state: 'done', accepted: true });
    expect(await client.report(lease, resultOf(task))).toEqual({ state: 'done', accepted: false });
    expect((await eventTypes(task)).filter((type) => type === 'TaskCompleted')).toHaveLength(1);
  }, 60_000);

  it('[AR-11.2] stops waiting for a registry that is away when it is told to', async () => {
    const ending = new AbortController();
    await service.setFaults({ method: 'ClaimTask', statusCode: status.UNAVAILABLE });
    const waiting = newTask();
    const claiming = client.claim(waiting, messageOf(waiting), ending.signal);
    ending.abort(new Error('shutting down'));
    await expect(claiming).rejects.toThrow('shutting down');
  });
});

const round = { type: 'RoundEnded', time: new Date(), data: { round: 1 } } as const;

const commit = {
  commit: '1'.repeat(40),
  tree: '2'.repeat(40),
  baseCommit: '3'.repeat(40),
  branch: 'feature/x',
  bundleUri: 'artifact://x',
  bundleSha256: 'a'.repeat(64),
  filesChanged: ['a.ts'],
};

function resultOf(task: Task): TaskResult {
  return {
    schema_version: 1,
    task_id: task.task_id,
    spec_name: task.spec_name,
    run: 1,
    status: 'done',
    runner_id: 'runner-1',
    attempt: 1,
    attempts: 1,
    rounds: 1,
    branch: null,
    commit: null,
    tree: null,
    base_commit: null,
    pushed: false,
    files_changed: [],
    tests: [],
    artifacts: [],
    usage: noUsage,
    timings: {},
    queue_wait_ms: 0,
    started_at: null,
    finished_at: new Date().toISOString(),
    sandbox: 'none',
    error: null,
    trace_id: null,
  };
}
