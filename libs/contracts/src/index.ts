/**
 * What every part of the system agrees on: the task, the answer of the model, the result, events,
 * error codes, NATS subjects, and the generated gRPC services.
 *
 *   import { parseTask, RunnerError, taskRegistry } from '@necrocode/contracts';
 */
export * from './ids.js';
export * from './subjects.js';
export * from './task.js';
export { mostTaskBytes, readJson } from './read-json.js';
export * from './cut-text.js';
export * from './bound-result.js';
export * from './change-set.js';
export * from './errors.js';
export * from './result.js';
export * from './event.js';
export * from './nats-access.js';
export * from './preview.js';
export * from './tls-files.js';
export * from './tls-trouble.js';
export * as taskRegistry from './gen/necrocode/task_registry/v1/task_registry.js';
export * as repoPool from './gen/necrocode/repo_pool/v1/repo_pool.js';
export * as artifactStore from './gen/necrocode/artifact_store/v1/artifact_store.js';
export * as faultInjection from './gen/necrocode/fault_injection/v1/fault_injection.js';
