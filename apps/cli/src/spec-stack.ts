import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { artifactStore, taskRegistry, type Task } from '@necrocode/contracts';
import { createClient } from '@necrocode/rpc';
import { startNats, startService, tempDir } from '@necrocode/testkit';
import type { NatsEndpoint } from './endpoints.js';

/** NATS, a Task Registry and an Artifact Store as processes of their own, and a hand in place of the runner. */
export interface SpecStack {
  readonly environment: Readonly<Record<string, string>>;
  readonly registry: InstanceType<typeof taskRegistry.TaskRegistryServiceClient>;
  readonly store: InstanceType<typeof artifactStore.ArtifactStoreServiceClient>;
  stop(): Promise<void>;
}

export async function startSpecStack(): Promise<SpecStack> {
  const nats = await startNats();
  const registry = await startService('task-registry-mock', { NATS_URL: nats.url });
  const store = await startService('artifact-store-mock');
  const clients = {
    registry: createClient(taskRegistry.TaskRegistryServiceClient, registry.address),
    store: createClient(artifactStore.ArtifactStoreServiceClient, store.address),
  };
  return {
    ...clients,
    environment: {
      NATS_URL: nats.url,
      TASK_REGISTRY_URL: registry.address,
      ARTIFACT_STORE_URL: store.address,
      REPO_POOL_URL: '127.0.0.1:1',
    },
    stop: async () => {
      Object.values(clients).forEach((client) => client.close());
      await Promise.all([registry.end(), store.end()]);
      await nats.stop();
    },
  };
}

/** The stack's NATS, as commands know it. */
export function specNats({ environment }: SpecStack): NatsEndpoint {
  const url = environment.NATS_URL ?? '';
  return { address: url, source: 'spec', access: { url } };
}

/** A valid task; the id is the caller's to choose. */
export function specTask(id: string, change: Partial<Task> = {}): Task {
  return {
    task_id: id,
    spec_name: 'cli-spec',
    title: `Task ${id}`,
    description: 'Something to do.',
    repo_url: 'https://git.example/x.git',
    ...change,
  };
}

const files = tempDir('necrocode-cli-');

/** A file that holds the document, valid or not. */
export function writeTask(document: unknown): string {
  const path = join(files, `${Math.random().toString(36).slice(2)}.json`);
  writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document));
  return path;
}
