import { createWriteStream, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatKey, repoPool, taskRegistry } from '@necrocode/contracts';
import { call, createClient } from '@necrocode/rpc';
import { startStack } from '@necrocode/stack';
import { startLlmEndpoint } from './proxy/llm-endpoint.js';
import { openQueue } from './queue.js';
import { ackWaitSeconds, leaseSeconds, type Scene } from './scene.js';
import { SmallDisk } from './small-disk.js';
import { StackProcesses } from './stack-processes.js';
import { watchRunner } from './watched-runner.js';
import type { LeakedSlot, World } from './world.js';

export interface WatchedStackOptions {
  readonly name: string;
  readonly dataDir: string;
  readonly runners: number;
  readonly maxParallel: number;
  /** A small disk of the stack's own, for the state of services and runners; absent: no disk will be full. */
  readonly smallDisk: string | undefined;
}

const deadlineMs = 10_000;
type Registry = InstanceType<typeof taskRegistry.TaskRegistryServiceClient>;

/** The real system, with a proxy between each runner and everything that it talks to. */
export async function startWatchedStack(options: WatchedStackOptions, scene: Scene): Promise<World> {
  const { name, dataDir, runners, maxParallel, smallDisk } = options;
  const ends = new AsyncDisposableStack();
  try {
    mkdirSync(dataDir, { recursive: true });
    const settings = join(dataDir, 'chaos-runner.yaml');
    writeFileSync(settings, runnerSettings);
    const log = createWriteStream(join(dataDir, 'stack.log'));
    ends.defer(() => new Promise<void>((resolve) => log.end(resolve)));
    const llm = await startLlmEndpoint(scene.gate, scene.ledger);
    ends.defer(() => llm.close());
    const stack = await startStack(
      {
        runners,
        maxParallel,
        dataDir,
        ...(smallDisk !== undefined && { stateDir: smallDisk }),
        llmBaseUrl: llm.baseUrl(0),
        // Each task has a repository of its own: a slot made ahead would never be used.
        // Every setup is done, since each may be struck.
        environment: { WARM_SLOTS: '0', SANDBOX_SETUP_CACHE: 'false' },
        runnerEnvironment: async (runner, addresses) => ({
          ...(await watchRunner(runner, addresses, scene, (proxy) => ends.defer(() => proxy.close()))),
          NECROCODE_CONFIG: settings,
          OPENAI_BASE_URL: llm.baseUrl(runner),
        }),
      },
      (line) => log.write(`${line}\n`),
    );
    ends.defer(() => stack.stop());
    const processes = new StackProcesses(join(dataDir, 'pids.json'));
    ends.defer(() => processes.thawAll());
    const registry = createClient(taskRegistry.TaskRegistryServiceClient, stack.ready.task_registry);
    ends.defer(() => registry.close());
    const pool = createClient(repoPool.RepoPoolServiceClient, stack.ready.repo_pool);
    ends.defer(() => pool.close());
    const queue = await openQueue(stack.ready.nats_url, name);
    ends.defer(() => queue.close());

    const disk = smallDisk === undefined ? undefined : new SmallDisk(smallDisk);
    let natsKilled = false;
    const disposal = ends.move();
    return {
      publish: (body, messageId) => queue.publish(body, messageId),
      killRunner: (runner) => processes.killRunner(runner),
      freezeRunner: (runner) => processes.freezeRunner(runner),
      thawRunner: (runner) => processes.thawRunner(runner),
      killService: (service) => {
        natsKilled ||= service === 'nats';
        processes.kill(service);
      },
      fillDisk: () => disk?.fill(),
      emptyDisk: () => disk?.empty(),
      endedTasks: (spec) => endedTasks(registry, spec),
      results: (spec) => queue.results(spec),
      waiting: async (spec) =>
        queue.waiting(natsKilled ? new Set((await endedTasks(registry, spec)).keys()) : undefined),
      async leakedSlots() {
        const { slots } = await call(pool.listSlots.bind(pool), { repoUrl: '' }, { deadlineMs });
        return leaksOf(slots, join(smallDisk ?? dataDir, 'repo-pool-mock/slots'));
      },
      stop: () => disposal.disposeAsync(),
    };
  } catch (error) {
    await ends.disposeAsync();
    throw error;
  }
}

/** Short leases, so that a run does not wait for long; the rest as in the stack. */
const runnerSettings = `# Written at every start of the suite.
lease_seconds: ${leaseSeconds}
heartbeat_seconds: 1
ack_wait_seconds: ${ackWaitSeconds}
slot_wait_seconds: 60
shutdown_grace_seconds: 20
task:
  timeout_seconds: 120
git:
  protocols: [https, ssh]
  http_hosts: ['127.0.0.1']
sandbox:
  required: none
`;

async function endedTasks(registry: Registry, specName: string): Promise<ReadonlyMap<string, string>> {
  const { TASK_STATE_DONE, TASK_STATE_FAILED, TASK_STATE_CANCELLED } = taskRegistry.TaskState;
  const request = taskRegistry.ListTasksRequest.fromPartial({
    states: [TASK_STATE_DONE, TASK_STATE_FAILED, TASK_STATE_CANCELLED],
    specName,
    pageSize: 500,
  });
  const ended = new Map<string, string>();
  do {
    const page = await call(registry.listTasks.bind(registry), request, { deadlineMs });
    for (const { key, state } of page.tasks) {
      if (key) ended.set(key.taskId, taskRegistry.TaskState[state].replace('TASK_STATE_', '').toLowerCase());
    }
    request.pageToken = page.nextPageToken;
  } while (request.pageToken !== '');
  return ended;
}

/** Slots that are lent or being cleaned although no task is left, and directories that nobody knows of. */
function leaksOf(slots: readonly repoPool.Slot[], directory: string): LeakedSlot[] {
  const { SLOT_STATE_ALLOCATED, SLOT_STATE_CLEANING } = repoPool.SlotState;
  const kept = slots.filter(({ state }) => state === SLOT_STATE_ALLOCATED || state === SLOT_STATE_CLEANING);
  const known = new Set(slots.map(({ slotId }) => slotId));
  const onDisk = existsSync(directory) ? readdirSync(directory) : [];
  return [
    ...kept.map(({ specName, taskId, state }) => ({
      key: formatKey({ specName, taskId }),
      what: `slot in state ${repoPool.SlotState[state]}`,
    })),
    ...onDisk
      .filter((slotId) => !known.has(slotId))
      .map((slotId) => ({ key: undefined, what: `directory of the unknown slot ${slotId}` })),
  ];
}
