import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  formatKey,
  headers as names,
  streams,
  subjects,
  taskRegistry,
  taskResultSchema,
  type TaskKey,
  type QueuePlace,
  type TaskResult,
} from '@necrocode/contracts';
import { connectNats, type NatsConnection } from '@necrocode/messaging';
import { call, createClient } from '@necrocode/rpc';
import { startOtlpReceiver, type OtlpReceiver } from '@necrocode/telemetry';
import { eventually, tempDir } from '@necrocode/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { startStack, type ReadyLine, type RunningStack } from '../start-stack.js';

export type TaskDocument = Record<string, unknown> & { readonly spec_name: string; readonly task_id: string };

export interface LlmCall {
  readonly status: number | null;
  readonly request: { readonly messages: readonly { readonly role: string; readonly content: string }[] };
}

/** A whole system on this machine, seen from outside. */
export interface TestStack {
  readonly stack: RunningStack;
  readonly traces: OtlpReceiver;
  readonly connection: NatsConnection;
  /** What the LLM answers a task with, in order; the last one repeats. */
  script(task: { spec_name: string; task_id: string }, answers: readonly unknown[]): Promise<void>;
  llmCalls(task: { spec_name: string; task_id: string }): Promise<readonly LlmCall[]>;
  publish(body: TaskDocument | string, options?: PublishOptions): Promise<void>;
  result(task: { spec_name: string; task_id: string }, run?: number): Promise<TaskResult>;
  /** Results of a key that are in the stream. */
  resultCount(task: { spec_name: string; task_id: string }): Promise<number>;
  deadLetter(what: string, accept: (letter: DeadLetter) => boolean): Promise<DeadLetter>;
  /** What the registry knows of a task; undefined when it knows none. */
  task(key: TaskKey): Promise<{ readonly state: string; readonly stage: string } | undefined>;
  /** Messages that wait in a queue. */
  waiting(queue: string): Promise<number>;
  /** The process that is this runner now; it changes when the runner is started again. */
  runnerPid(name: string): number;
  /** The process of a service or of NATS at the start. */
  servicePid(name: string): number;
  log(): string;
  stop(): Promise<void>;
}

export interface PublishOptions extends Partial<QueuePlace> {
  readonly traceparent?: string;
}

export interface DeadLetter {
  readonly code: string;
  readonly reason: string;
  readonly body: string;
}

/** Starts a system of its own for a spec; `environment` goes to every process. */
export async function startTestStack(
  options: { runners: number; maxParallel: number; runnerSettings?: string },
  environment: Readonly<Record<string, string>> = {},
): Promise<TestStack> {
  const traces = await startOtlpReceiver();
  const lines: string[] = [];
  const stack = await startStack(
    {
      ...options,
      dataDir: tempDir('necrocode-stack-'),
      environment: { ...traces.environment, OTEL_BSP_SCHEDULE_DELAY: '100', ...environment },
    },
    (line) => lines.push(line),
  );
  const connection = await connectNats({ url: stack.ready.nats_url, name: 'spec' });
  const registry = createClient(taskRegistry.TaskRegistryServiceClient, stack.ready.task_registry);
  const llm = stack.ready.llm_base_url.replace(/\/v1$/, '');
  const scripts: Record<string, unknown> = {};
  const results = new Map<string, TaskResult>();
  const watching = connection.subscribe('necrocode.results.>', {
    callback: (_error, message) => {
      const result = taskResultSchema.parse(message.json());
      results.set(`${result.spec_name}/${result.task_id}#${result.run}`, result);
    },
  });
  const keyOf = (task: { spec_name: string; task_id: string }) => ({
    specName: task.spec_name,
    taskId: task.task_id,
  });

  return {
    stack,
    traces,
    connection,
    async script(task, answers) {
      scripts[formatKey(keyOf(task))] = answers;
      const reply = await fetch(`${llm}/__script`, {
        method: 'POST',
        body: JSON.stringify({ tasks: scripts }),
      });
      if (!reply.ok) throw new Error(`the script was refused: ${await reply.text()}`);
    },
    async llmCalls(task) {
      const reply = await fetch(`${llm}/__calls?task=${encodeURIComponent(formatKey(keyOf(task)))}`);
      return (await reply.json()) as LlmCall[];
    },
    async publish(body, { queue = 'default', priority = 'normal', traceparent } = {}) {
      const carried = headers();
      if (traceparent) carried.set(names.traceparent, traceparent);
      connection.publish(
        subjects.task({ queue, priority }),
        typeof body === 'string' ? body : JSON.stringify(body),
        {
          headers: carried,
        },
      );
      await connection.flush();
    },
    result: (task, run = 1) =>
      eventually(
        `the result of ${formatKey(keyOf(task))}`,
        () => results.get(`${formatKey(keyOf(task))}#${run}`),
        60_000,
      ),
    async resultCount(task) {
      const manager = await jetstreamManager(connection);
      const subject = subjects.result(keyOf(task));
      const { state } = await manager.streams.info(streams.results.name, { subjects_filter: subject });
      return state.subjects?.[subject] ?? 0;
    },
    deadLetter: (what, accept) =>
      eventually(what, async () => (await deadLetters(connection)).find(accept), 30_000),
    async task(key) {
      const { task } = await call(registry.getTask.bind(registry), { key }, { deadlineMs: 5_000 }).catch(
        () => ({ task: undefined }),
      );
      const state = task && taskRegistry.TaskState[task.state].replace('TASK_STATE_', '').toLowerCase();
      return task && { state: state ?? '', stage: task.stage };
    },
    async waiting(queue) {
      const manager = await jetstreamManager(connection);
      const subjects_filter = subjects.tasksOfQueue(queue);
      const { state } = await manager.streams.info(streams.tasks.name, { subjects_filter });
      return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
    },
    runnerPid(name) {
      const file = join(stack.ready.data_dir, 'pids.json');
      const { runners } = JSON.parse(readFileSync(file, 'utf8')) as Pick<ReadyLine, 'runners'>;
      const pid = runners.find(({ id }) => id.startsWith(`${name}-`))?.pid;
      if (pid === undefined) throw new Error(`no process is ${name}`);
      return pid;
    },
    servicePid(name) {
      const pid = stack.ready.pids[name];
      if (pid === undefined) throw new Error(`no process is ${name}`);
      return pid;
    },
    log: () => lines.join('\n'),
    async stop() {
      watching.unsubscribe();
      await connection.close();
      registry.close();
      await stack.stop();
      await traces.close();
    },
  };
}

async function deadLetters(connection: NatsConnection): Promise<DeadLetter[]> {
  const manager = await jetstreamManager(connection);
  const { state } = await manager.streams.info(streams.dead.name);
  const letters: DeadLetter[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const stored = await manager.streams.getMessage(streams.dead.name, { seq });
    if (!stored) continue;
    letters.push({
      code: stored.header.get(names.deadCode),
      reason: stored.header.get(names.deadReason),
      body: new TextDecoder().decode(stored.data),
    });
  }
  return letters;
}
