/**
 * The Task Registry: who may work on a task, which commit is its commit, how it ended. One process, one
 * SQLite file, gRPC in front, an outbox towards NATS.
 *
 *   const registry = await startTaskRegistry(readSettings(process.env));  …  await registry.close();
 */
export * from './settings.js';
export * from './start-task-registry.js';
