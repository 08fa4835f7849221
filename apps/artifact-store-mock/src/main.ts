import { createLogger, shutdownTelemetry } from '@necrocode/telemetry';
import { readSettings, type ArtifactStoreSettings } from './settings.js';
import { startArtifactStore } from './start-artifact-store.js';

const settings = settingsOrExit();
const log = createLogger({ name: 'artifact-store-mock', level: settings.logLevel });
const service = await startArtifactStore(settings, log);
log.info({ address: settings.listenAddress }, 'listening');

process.once('SIGTERM', () => void end());
process.once('SIGINT', () => void end());

async function end(): Promise<void> {
  log.info('ending');
  await service.close();
  await shutdownTelemetry();
}

function settingsOrExit(): ArtifactStoreSettings {
  try {
    return readSettings(process.env);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
