import { closeInheritedDescriptors, serveSandbox } from '@necrocode/sandbox';
import { createLogger } from '@necrocode/telemetry';
import { readSettings, type SandboxServerSettings } from './settings.js';

/** Runs the commands of tasks for runners in other containers; it holds no secret of any kind. */
closeInheritedDescriptors();
const { socket, rooms, identities, network, logLevel } = settingsOrExit();
const log = createLogger({ name: 'sandbox-server', level: logLevel });
const server = await serveSandbox({
  socket,
  rooms,
  identities,
  sharedDirectories: ['/tmp', '/var/tmp', '/dev/shm', '/dev/mqueue'],
  network,
  environment: process.env,
  log,
});
log.info({ socket, network }, 'listening');

process.once('SIGTERM', () => void end());
process.once('SIGINT', () => void end());

async function end(): Promise<void> {
  log.info('ending');
  await server.close();
}

function settingsOrExit(): SandboxServerSettings {
  try {
    return readSettings(process.env);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
