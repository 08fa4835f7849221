import { natsSecrets, taskRegistry } from '@necrocode/contracts';
import { serveGrpc } from '@necrocode/rpc';
import { createLogger, createMask, serveMetrics } from '@necrocode/telemetry';
import { AppModule } from './app.module.js';
import { LeaseReaper } from './lease-reaper.js';
import { measureRegistry } from './measure-registry.js';
import { NatsLink } from './nats-link.js';
import { measureOutbox } from './outbox-publisher.js';
import { Registry } from './registry.js';
import type { Settings } from './settings.js';
import { UnreadableTasks } from './unreadable-tasks.js';

export interface RunningTaskRegistry {
  /** `host:port`. */
  readonly address: string;
  /** Stops serving, publishes what is left as far as it can, and closes the file. */
  close(): Promise<void>;
}

/**
 * Starts the service: serving once it has taken in the requests to cancel that were made while it was away, or
 * without that where NATS is away too; publishing as soon as there is a NATS server.
 */
export async function startTaskRegistry(settings: Settings): Promise<RunningTaskRegistry> {
  const logger = createLogger({
    name: 'task-registry',
    level: settings.logLevel,
    mask: createMask(natsSecrets(settings.nats)),
  });
  const registry = new Registry(settings);
  const reaper = new LeaseReaper(registry, logger);
  const nats = new NatsLink(registry, logger, settings.nats);
  try {
    await nats.started();
    reaper.start();
    const app = await serveGrpc({
      module: AppModule.around(registry, new UnreadableTasks(logger)),
      name: 'necrocode.task_registry.v1.TaskRegistryService',
      definition: taskRegistry.TaskRegistryServiceService,
      address: settings.listenAddress,
      tls: settings.tls,
      faults: settings.faultInjection,
      reflectionProtoDir: settings.reflection ? protoDir : undefined,
    });
    measureOutbox(registry);
    measureRegistry(registry);
    const metrics = await serveMetrics(settings.metricsAddress);
    logger.info({ address: settings.listenAddress, data_dir: settings.dataDir }, 'task registry serves');
    const close = async () => {
      await metrics.close();
      await app.close();
      reaper.stop();
      await nats.stop();
      registry.close();
    };
    return { address: settings.listenAddress, close };
  } catch (error) {
    reaper.stop();
    await nats.stop();
    registry.close();
    throw error;
  }
}

/** In a checkout the contracts lie at its root; elsewhere there is no reflection. */
const protoDir = new URL('../../../proto', import.meta.url).pathname;
