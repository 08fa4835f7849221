/**
 * The whole system as processes of one machine: for trying it out, for development and for tests.
 *
 *   const stack = await startStack({ runners: 1, maxParallel: 4, dataDir }, log);
 *   stack.ready  // addresses and pids
 *   await stack.stop();
 */
export * from './start-stack.js';
export * from './workspace-root.js';
export { plainGit, plainGitEnvironment, publishFolder } from './plain-git.js';
export { SupervisedProcess, type ProcessPlan } from './supervised-process.js';
