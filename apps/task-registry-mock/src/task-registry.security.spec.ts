import { taskRegistry as wire } from '@necrocode/contracts';
import { call, createClient, status } from '@necrocode/rpc';
import { freePort, tempDir } from '@necrocode/testkit';
import { readSettings } from './settings.js';
import { startTaskRegistry, type RunningTaskRegistry } from './start-task-registry.js';

const options = { deadlineMs: 10_000, retries: 0 };
const place = { queue: 'default', priority: 'normal' };
const task = {
  task_id: '1',
  spec_name: 's',
  title: 't',
  description: 'd',
  repo_url: 'https://git.example/x.git',
};

describe('a Task Registry under attack', () => {
  let registry: RunningTaskRegistry;
  let client: wire.TaskRegistryServiceClient;

  beforeAll(async () => {
    const address = `127.0.0.1:${await freePort()}`;
    // It serves without NATS; what it has to say waits.
    const variables = {
      LISTEN_ADDRESS: address,
      DATA_DIR: tempDir(),
      LOG_LEVEL: 'silent',
      NATS_URL: 'nats://127.0.0.1:1',
    };
    registry = await startTaskRegistry(readSettings(variables));
    client = createClient(wire.TaskRegistryServiceClient, address);
  });
  afterAll(async () => {
    client.close();
    await registry.close();
  });

  const refused = { code: status.INVALID_ARGUMENT };
  const hostileIds = [
    '',
    '..',
    'a/b',
    '../x',
    'a b',
    'a\nb',
    'a\u0000',
    '>',
    '*',
    'a..b',
    '-x',
    'é',
    'x'.repeat(65),
    'a.lock',
  ];

  it.each(hostileIds)('[AR-10.4] takes no bad id (case %#)', async (id) => {
    for (const key of [
      { specName: 'spec', taskId: id },
      { specName: id, taskId: '1' },
    ]) {
      const idempotencyKey = '';
      const held = { idempotencyKey, key, fencingToken: 1n };
      const calls = [
        call(client.getTask.bind(client), { key }, options),
        call(client.cancelTask.bind(client), { idempotencyKey, key, reason: '' }, options),
        call(client.retryTask.bind(client), { idempotencyKey, key }, options),
        call(client.renewLease.bind(client), { ...held, leaseSeconds: 60 }, options),
        call(client.saveCheckpoint.bind(client), { ...held, checkpointJson: '{}' }, options),
        call(client.appendEvents.bind(client), { ...held, events: [] }, options),
        call(client.addArtifacts.bind(client), { ...held, artifacts: [] }, options),
        call(client.reportResult.bind(client), { ...held, resultJson: '{}' }, options),
      ];
      for (const outcome of await Promise.allSettled(calls))
        expect(outcome).toMatchObject({ status: 'rejected', reason: refused });
      const taskJson = JSON.stringify({ ...task, task_id: key.taskId, spec_name: key.specName });
      const created = call(client.createTask.bind(client), { idempotencyKey, taskJson, place }, options);
      await expect(created).rejects.toMatchObject(refused);
    }
  });

  it.each([
    ['a queue that is more than one token', { queue: 'a.b', priority: 'normal' }],
    ['a wildcard for a queue', { queue: '>', priority: 'normal' }],
    ['a priority of its own', { queue: 'default', priority: 'results' }],
  ])('[AR-10.4] publishes to no other subject: %s', async (_what, elsewhere) => {
    const request = { idempotencyKey: '', taskJson: JSON.stringify(task), place: elsewhere };
    await expect(call(client.createTask.bind(client), request, options)).rejects.toMatchObject(refused);
  });

  it.each(['', 'runner\n{"level":"info"}', 'r\u0000', 'x'.repeat(201)])(
    '[AR-10.4] knows no runner by a bad name (case %#)',
    async (runnerId) => {
      const identity = wire.RegisterRunnerRequest.fromPartial({ runnerId });
      await expect(call(client.registerRunner.bind(client), identity, options)).rejects.toMatchObject(
        refused,
      );
      const claim = wire.ClaimTaskRequest.fromPartial({ runnerId, taskJson: JSON.stringify(task), place });
      await expect(call(client.claimTask.bind(client), claim, options)).rejects.toMatchObject(refused);
    },
  );

  it('[AR-10.4] takes filters for values, never for a part of its queries', async () => {
    const created = wire.CreateTaskRequest.fromPartial({ taskJson: JSON.stringify(task), place });
    await call(client.createTask.bind(client), created, options);
    const list = (filter: Partial<wire.ListTasksRequest>) =>
      call(client.listTasks.bind(client), wire.ListTasksRequest.fromPartial(filter), options);
    const injected = "' OR '1'='1";
    for (const filter of [{ specName: injected }, { taskId: injected }, { requiredSkill: injected }])
      expect((await list(filter)).tasks).toEqual([]);
    await expect(
      list({ pageToken: Buffer.from(`after:0 ${injected}`).toString('base64url') }),
    ).rejects.toMatchObject(refused);
    expect((await list({})).tasks).toHaveLength(1);
  });

  it('[AR-15.1] answers a list of large tasks page by page, each below the largest message', async () => {
    const description = 'x'.repeat(90_000);
    const acceptance_criteria = Array.from({ length: 40 }, () => 'y'.repeat(10_000));
    const ids = Array.from({ length: 90 }, (_none, index) => `large-${index}`);
    for (const task_id of ids) {
      const taskJson = JSON.stringify({
        ...task,
        spec_name: 'large',
        task_id,
        description,
        acceptance_criteria,
      });
      await call(
        client.createTask.bind(client),
        wire.CreateTaskRequest.fromPartial({ taskJson, place }),
        options,
      );
    }
    const seen: (string | undefined)[] = [];
    let pageToken = '';
    do {
      const request = wire.ListTasksRequest.fromPartial({ specName: 'large', pageSize: 500, pageToken });
      const page = await call(client.listTasks.bind(client), request, options);
      seen.push(...page.tasks.map(({ key }) => key?.taskId));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).toEqual(ids);
  });
});
