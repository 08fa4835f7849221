import { createLogger, gauges, shutdownTelemetry } from '@necrocode/telemetry';
import { readSettings, type RepoPoolSettings } from './settings.js';
import { startRepoPool } from './start-repo-pool.js';

const settings = settingsOrExit();
const log = createLogger({ name: 'repo-pool-mock', level: settings.logLevel });
const service = await startRepoPool(settings, log);
gauges('necrocode.pool.slots', 'Slots by their state', '{slot}', () =>
  (['available', 'allocated', 'cleaning', 'broken'] as const).map((state) => ({
    value: service.pool.count(state),
    attributes: { 'necrocode.slot.state': state },
  })),
);
log.info({ address: settings.listenAddress }, 'listening');

process.once('SIGTERM', () => void end());
process.once('SIGINT', () => void end());

async function end(): Promise<void> {
  log.info('ending');
  // Before the state is closed, which the last export still reads.
  await shutdownTelemetry();
  await service.close();
}

function settingsOrExit(): RepoPoolSettings {
  try {
    return readSettings(process.env);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
