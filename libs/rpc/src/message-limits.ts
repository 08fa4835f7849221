/** The largest messages of one service, in bytes; both sides refuse larger ones with RESOURCE_EXHAUSTED. */
export interface MessageLimits {
  readonly request: number;
  readonly response: number;
}

const KiB = 1024;
const MiB = 1024 * KiB;

/** Of everything that is not named below, such as health checks behind a proxy. */
export const maxMessageBytes = 32 * MiB;

const limits: Readonly<Record<string, MessageLimits>> = {
  // Documents travel whole: a task, a result or a refused message is as large as NATS lets it be (1 MiB unless
  // the server is told otherwise), a checkpoint smaller; the history of a task is answered in one piece.
  'necrocode.task_registry.v1.TaskRegistryService': { request: 8 * MiB, response: maxMessageBytes },
  // An address and some ids; a list of slots.
  'necrocode.repo_pool.v1.RepoPoolService': { request: 64 * KiB, response: 8 * MiB },
  // Chunks of at most 1 MiB, with room for the frame; a page of at most 1,000 artifacts.
  'necrocode.artifact_store.v1.ArtifactStoreService': { request: MiB + 64 * KiB, response: 16 * MiB },
  'necrocode.fault_injection.v1.FaultInjectionService': { request: 64 * KiB, response: 64 * KiB },
  'grpc.health.v1.Health': { request: 4 * KiB, response: 4 * KiB },
};

/** @param serviceName full name, such as necrocode.repo_pool.v1.RepoPoolService */
export function messageLimitsOf(serviceName: string | undefined): MessageLimits {
  return limits[serviceName ?? ''] ?? { request: maxMessageBytes, response: maxMessageBytes };
}
