import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { taskResultSchema, type TaskResult } from '@necrocode/contracts';
import { connectNats, publishTask } from '@necrocode/messaging';
import { startStack, type ReadyLine } from '../start-stack.js';
import { taskFor, writeLlmScript } from './bench-task.js';
import { median, round } from './numbers.js';
import { cpuSeconds, residentMb } from './process-usage.js';

/** Where and against what is measured. */
export interface Ground {
  readonly work: string;
  readonly remote: string;
  readonly llmLatencyMs: number;
}

/** So many runners, each with so many tasks in flight. */
export interface Point {
  readonly runners: number;
  readonly inFlight: number;
}

export interface PointResult {
  readonly runners: number;
  readonly in_flight_per_runner: number;
  readonly tasks: number;
  readonly seconds: number;
  readonly tasks_per_second: number;
  /** An even share would be tasks / runners. */
  readonly tasks_of_busiest_runner: number;
  /** From the publication to the attempt. */
  readonly queue_wait_ms: { readonly median: number; readonly longest: number };
  /** Of the runners with their git and sandbox processes, and of the three services. */
  readonly cpu_ms_per_task: { readonly runners: number; readonly services: number };
  /** The largest of a runner's, sampled. */
  readonly peak_runner_mb: number;
}

const sampleMs = 250;

/** Publishes `tasks` at once, after a few that warm everything up, and waits for all results. */
export async function measurePoint(ground: Ground, point: Point, tasks: number): Promise<PointResult> {
  const { runners, inFlight } = point;
  const folder = join(ground.work, `stack-${runners}-${inFlight}`);
  return withStack(ground, folder, point, {}, async (ready) => {
    await complete(ready, ground.remote, `${runners}-${inFlight}-warm`, 2 * runners);
    const servicePids = ['task-registry-mock', 'repo-pool-mock', 'artifact-store-mock'].map(
      (name) => ready.pids[name] ?? NaN,
    );
    const runnerPids = ready.runners.map(({ pid }) => pid);
    const cpu = () => ({ runners: sumOf(runnerPids, cpuSeconds), services: sumOf(servicePids, cpuSeconds) });
    const before = cpu();
    let peak = 0;
    const sampler = setInterval(() => (peak = Math.max(peak, ...runnerPids.map(residentMb))), sampleMs);
    const started = performance.now();
    const results = await complete(ready, ground.remote, `${runners}-${inFlight}`, tasks).finally(() =>
      clearInterval(sampler),
    );
    const seconds = (performance.now() - started) / 1000;
    const after = cpu();
    const shares = [...Map.groupBy(results, (result) => result.runner_id).values()];
    const waits = results.map(({ queue_wait_ms: wait }) => wait ?? 0);
    return {
      runners,
      in_flight_per_runner: inFlight,
      tasks,
      seconds: round(seconds),
      tasks_per_second: round(tasks / seconds),
      tasks_of_busiest_runner: Math.max(...shares.map((share) => share.length)),
      queue_wait_ms: { median: round(median(waits)), longest: Math.max(...waits) },
      cpu_ms_per_task: {
        runners: round(((after.runners - before.runners) * 1000) / tasks),
        services: round(((after.services - before.services) * 1000) / tasks),
      },
      peak_runner_mb: round(peak),
    };
  });
}

export interface MemoryResult {
  readonly tasks_waiting: number;
  readonly idle_mb: number;
  readonly waiting_mb: number;
  readonly mb_per_task: number;
}

const idleMs = 3_000;
const settledMs = 5_000;
const longestMs = 600_000;

/** The memory of one runner whose tasks all wait for a model that does not answer, over what it has when idle. */
export async function measureMemory(ground: Ground, tasks: number): Promise<MemoryResult> {
  const folder = join(ground.work, 'stack-memory');
  const silent = { ...ground, llmLatencyMs: longestMs };
  const patient = { LLM_TIMEOUT_SECONDS: String(longestMs / 1000), SHUTDOWN_GRACE_SECONDS: '2' };
  return withStack(silent, folder, { runners: 1, inFlight: tasks }, patient, async (ready) => {
    const pid = ready.runners[0]?.pid ?? NaN;
    await pause(idleMs);
    const idle = residentMb(pid);
    const connection = await connectNats({ url: ready.nats_url, name: 'bench' });
    for (let number = 1; number <= tasks; number += 1) {
      await publishTask(connection, taskFor(ground.remote, `memory-${number}`), place);
    }
    await connection.close();
    const end = Date.now() + longestMs;
    while ((await callsOf(ready)) < tasks) {
      if (Date.now() > end) throw new Error('not all tasks came to the model in time');
      await pause(sampleMs);
    }
    await pause(settledMs);
    const waiting = residentMb(pid);
    return {
      tasks_waiting: tasks,
      idle_mb: round(idle),
      waiting_mb: round(waiting),
      mb_per_task: round((waiting - idle) / tasks),
    };
  });
}

async function withStack<T>(
  { work, llmLatencyMs }: Ground,
  dataDir: string,
  { runners, inFlight }: Point,
  environment: Readonly<Record<string, string>>,
  measure: (ready: ReadyLine) => Promise<T>,
): Promise<T> {
  const stack = await startStack(
    {
      runners,
      maxParallel: inFlight,
      dataDir,
      llmScript: writeLlmScript(work),
      environment: {
        LOG_LEVEL: 'warn',
        LLM_LATENCY_MS: String(llmLatencyMs),
        SLOTS_PER_REPO: '10000',
        ...environment,
      },
    },
    () => undefined,
  );
  try {
    return await measure(stack.ready);
  } finally {
    await stack.stop();
  }
}

const place = { queue: 'default', priority: 'normal' } as const;

async function complete(
  ready: ReadyLine,
  remote: string,
  name: string,
  tasks: number,
): Promise<TaskResult[]> {
  const connection = await connectNats({ url: ready.nats_url, name: 'bench' });
  try {
    const results = connection.subscribe('necrocode.results.>', { max: tasks });
    await connection.flush();
    for (let number = 1; number <= tasks; number += 1) {
      await publishTask(connection, taskFor(remote, `${name}-${number}`), place);
    }
    const received: TaskResult[] = [];
    for await (const message of results) {
      const result = taskResultSchema.parse(message.json());
      if (result.status !== 'done') throw new Error(`a task failed: ${JSON.stringify(result.error)}`);
      received.push(result);
    }
    return received;
  } finally {
    await connection.close();
  }
}

/** How many requests the bundled LLM has got. */
async function callsOf({ llm_base_url: base }: ReadyLine): Promise<number> {
  const reply = await fetch(`${base.replace(/\/v1$/, '')}/__calls`);
  return ((await reply.json()) as unknown[]).length;
}

function sumOf(pids: readonly number[], measure: (pid: number) => number): number {
  return pids.reduce((sum, pid) => sum + measure(pid), 0);
}
