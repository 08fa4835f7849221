/**
 * gRPC as this system uses it: clients with deadlines and safe retries, services with health checking,
 * fault injection and durable state.
 *
 *   const client = createClient(repoPool.RepoPoolServiceClient, 'localhost:50052');
 *   await call(client.release.bind(client), request, { deadlineMs: 5_000 });
 */
export * from './call.js';
export * from './channel.js';
export * from './durable-store.js';
export * from './health.js';
export * from './message-limits.js';
export * from './persist.js';
export * from './rpc-error.js';
export * from './serve.js';
export * from './status-name.js';
export { status } from '@grpc/grpc-js';
export * from './service-settings.js';
