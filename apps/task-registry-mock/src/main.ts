import { shutdownTelemetry } from '@necrocode/telemetry';
import { readSettings } from './settings.js';
import { startTaskRegistry } from './start-task-registry.js';

try {
  const running = await startTaskRegistry(readSettings(process.env));
  const end = async () => {
    await running.close();
    await shutdownTelemetry();
    // A first connection to NATS that never came about would keep the process alive.
    process.exit(0);
  };
  process.once('SIGTERM', () => void end());
  process.once('SIGINT', () => void end());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
