/**
 * The Artifact Store: keeps what tasks leave behind, checked against its SHA-256 both ways.
 *
 *   const running = await startArtifactStore(readSettings(process.env), log);  …  await running.close();
 */
export { readSettings, type ArtifactStoreSettings } from './settings.js';
export { startArtifactStore, type RunningArtifactStore } from './start-artifact-store.js';
