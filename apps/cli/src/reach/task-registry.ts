import { randomUUID } from 'node:crypto';
import { formatKey, taskRegistry, type TaskKey } from '@necrocode/contracts';
import { call, createClient, isStatusError, status } from '@necrocode/rpc';
import { CommandRefused } from '../command-refused.js';
import type { ServiceEndpoint } from '../endpoints.js';
import { translateStatus, type ServiceParty } from './unreachable.js';

/**
 * The Task Registry as commands use it.
 * Every method throws RunnerError registry_unavailable within five seconds when it does not answer, and
 * CommandRefused with the registry's words when it will not.
 */
export interface TaskRegistry {
  /** Undefined when the registry does not know the key. */
  findTask(key: TaskKey): Promise<taskRegistry.GetTaskResponse | undefined>;
  /** @throws CommandRefused when the registry does not know the key */
  getTask(key: TaskKey): Promise<KnownTask>;
  /** Every task that matches, page by page. */
  listTasks(filter: TaskFilter): Promise<taskRegistry.TaskRecord[]>;
  listRunners(seenWithinSeconds: number): Promise<taskRegistry.Runner[]>;
  cancel(key: TaskKey, reason: string): Promise<taskRegistry.TaskState>;
  /**
   * Returns the number of the new run.
   *
   * @param idempotencyKey a repeated call with the same one starts nothing; absent: every call is a new one
   */
  retry(key: TaskKey, idempotencyKey?: string): Promise<number>;
  /** Events past a sequence number, until the run of the moment has ended. */
  watch(
    key: TaskKey,
    afterSequence: bigint,
    signal: AbortSignal,
  ): AsyncIterable<taskRegistry.WatchTaskResponse>;
  close(): void;
}

export type KnownTask = taskRegistry.GetTaskResponse & { readonly task: taskRegistry.TaskRecord };

export interface TaskFilter {
  readonly states?: readonly taskRegistry.TaskState[];
  readonly specName?: string;
  readonly requiredSkill?: string;
  readonly taskId?: string;
}

/** A user who waits at a terminal is told within this time. */
const patienceMs = 3_000;
const pageSize = 500;

export function openTaskRegistry(endpoint: ServiceEndpoint): TaskRegistry {
  const client = createClient(taskRegistry.TaskRegistryServiceClient, endpoint);
  const party: ServiceParty = {
    name: 'the Task Registry',
    endpoint,
    variable: 'TASK_REGISTRY_URL',
    code: 'registry_unavailable',
  };
  const ask = <Q, R>(method: UnaryMethod<Q, R>, request: Q) =>
    askPatiently(method, request).catch((error: unknown) => {
      throw translateStatus(error, party);
    });

  const registry: TaskRegistry = {
    async findTask(key) {
      try {
        return await askPatiently(client.getTask.bind(client), { key });
      } catch (error) {
        if (isStatusError(error) && error.code === status.NOT_FOUND) return undefined;
        throw translateStatus(error, party);
      }
    },

    async getTask(key) {
      const known = await registry.findTask(key);
      if (!known?.task) {
        throw new CommandRefused(
          `the registry knows no task ${formatKey(key)}: necro list shows what it knows`,
        );
      }
      return { ...known, task: known.task };
    },

    async listTasks({ states = [], specName = '', requiredSkill = '', taskId = '' }) {
      const tasks: taskRegistry.TaskRecord[] = [];
      let pageToken = '';
      do {
        const request = { states: [...states], specName, requiredSkill, taskId, pageSize, pageToken };
        const page = await ask(client.listTasks.bind(client), request);
        tasks.push(...page.tasks);
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      return tasks;
    },

    async listRunners(seenWithinSeconds) {
      const { runners } = await ask(client.listRunners.bind(client), { seenWithinSeconds });
      return runners;
    },

    async cancel(key, reason) {
      const request = { idempotencyKey: randomUUID(), key, reason };
      const { state } = await ask(client.cancelTask.bind(client), request);
      return state;
    },

    async retry(key, idempotencyKey = randomUUID()) {
      const request = { idempotencyKey, key };
      const { run } = await ask(client.retryTask.bind(client), request);
      return run;
    },

    async *watch(key, afterSequence, signal) {
      const stream = client.watchTask({ key, afterSequence });
      const end = () => stream.cancel();
      signal.addEventListener('abort', end, { once: true });
      try {
        for await (const response of stream) yield response as taskRegistry.WatchTaskResponse;
      } catch (error) {
        if (!signal.aborted) throw translateStatus(error, party);
      } finally {
        signal.removeEventListener('abort', end);
        stream.cancel();
      }
    },

    close: () => client.close(),
  };
  return registry;
}

type UnaryMethod<Q, R> = Parameters<typeof call<Q, R>>[0];

/** A service that restarts is worth a second try, one that stays silent has had its time. */
function askPatiently<Q, R>(method: UnaryMethod<Q, R>, request: Q): Promise<R> {
  return call(method, request, { deadlineMs: patienceMs, retries: 2, dontRetry: [status.DEADLINE_EXCEEDED] });
}
