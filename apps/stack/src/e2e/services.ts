import { artifactStore, faultInjection, repoPool, taskRegistry, type TaskKey } from '@necrocode/contracts';
import { call, createClient } from '@necrocode/rpc';
import type { ReadyLine } from '../start-stack.js';

export type ServiceName = 'task_registry' | 'repo_pool' | 'artifact_store';

/** The services of a stack, asked by a spec. */
export interface Services extends Disposable {
  /** Replaces the faults of a service; none ends them. */
  setFaults(service: ServiceName, ...faults: Partial<faultInjection.Fault>[]): Promise<void>;
  /** Slots of a repository, by their states. */
  slots(repoUrl: string): Promise<readonly { readonly state: string; readonly taskId: string }[]>;
  /** Names of what is stored for a task. */
  stored(key: TaskKey): Promise<string[]>;
  /** Cancels a task at the registry itself. */
  cancel(key: TaskKey): Promise<void>;
  /** URIs that the registry knows of a task. */
  noted(key: TaskKey): Promise<string[]>;
}

export function openServices(ready: ReadyLine): Services {
  const registry = createClient(taskRegistry.TaskRegistryServiceClient, ready.task_registry);
  const pool = createClient(repoPool.RepoPoolServiceClient, ready.repo_pool);
  const store = createClient(artifactStore.ArtifactStoreServiceClient, ready.artifact_store);
  const deadlineMs = 5_000;
  return {
    async setFaults(service, ...faults) {
      const client = createClient(faultInjection.FaultInjectionServiceClient, ready[service]);
      const request = { faults: faults.map((fault) => faultInjection.Fault.fromPartial(fault)) };
      await call(client.setFaults.bind(client), request, { deadlineMs });
      client.close();
    },
    async slots(repoUrl) {
      const { slots } = await call(pool.listSlots.bind(pool), { repoUrl }, { deadlineMs });
      return slots.map(({ state, taskId }) => ({
        state: repoPool.SlotState[state].replace('SLOT_STATE_', '').toLowerCase(),
        taskId,
      }));
    },
    async stored({ specName, taskId }) {
      const request = { specName, taskId, type: '', pageSize: 100, pageToken: '', run: 0, fencingToken: 0n };
      const { artifacts } = await call(store.listArtifacts.bind(store), request, { deadlineMs });
      return artifacts.map(({ name }) => name).sort();
    },
    async cancel(key) {
      const request = { idempotencyKey: '', key, reason: 'by the spec' };
      await call(registry.cancelTask.bind(registry), request, { deadlineMs });
    },
    async noted(key) {
      const { artifacts } = await call(registry.getTask.bind(registry), { key }, { deadlineMs });
      return artifacts.map(({ uri }) => uri);
    },
    [Symbol.dispose]() {
      for (const client of [registry, pool, store]) client.close();
    },
  };
}
