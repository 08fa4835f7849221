/**
 * The Repo Pool: lends workspaces, keeps bare mirrors warm, takes orphaned slots back.
 *
 *   const running = await startRepoPool(readSettings(process.env), log);  …  await running.close();
 */
export { readSettings, type RepoPoolSettings } from './settings.js';
export { startRepoPool, type RunningRepoPool } from './start-repo-pool.js';
