/**
 * What tests of several projects need: a real NATS server, git repositories and a git server, temporary folders.
 *
 *   const nats = await startNats();  …  await nats.stop();
 */
export * from './certificates.js';
export * from './serve-git.js';
export * from './start-nats.js';
export * from './start-service.js';
export * from './temp-dir.js';
export * from './git-repository.js';
export * from './silent-server.js';
export * from './eventually.js';
export { freePort } from '@necrocode/host-tools';
