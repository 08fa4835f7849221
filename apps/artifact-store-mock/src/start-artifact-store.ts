import { join } from 'node:path';
import { Module, type DynamicModule } from '@nestjs/common';
import { artifactStore } from '@necrocode/contracts';
import { serveGrpc } from '@necrocode/rpc';
import { serveMetrics, type Logger } from '@necrocode/telemetry';
import type { ArtifactStoreSettings } from './settings.js';
import { ArtifactStoreController } from './artifact-store.controller.js';
import { ArtifactStore } from './artifact-store.js';

export interface RunningArtifactStore {
  close(): Promise<void>;
}

/** Starts the service; it answers calls when this resolves. */
export async function startArtifactStore(
  settings: ArtifactStoreSettings,
  log: Logger,
): Promise<RunningArtifactStore> {
  const store = new ArtifactStore(settings, log);
  try {
    const app = await serveGrpc({
      module: moduleWith(store),
      name: 'necrocode.artifact_store.v1.ArtifactStoreService',
      definition: artifactStore.ArtifactStoreServiceService,
      address: settings.listenAddress,
      tls: settings.tls,
      faults: settings.faultInjection,
      reflectionProtoDir: settings.reflection ? protoDir : undefined,
    });
    store.measure();
    const metrics = await serveMetrics(settings.metricsAddress);
    const close = async () => {
      await metrics.close();
      await app.close();
      store.close();
    };
    return { close };
  } catch (error) {
    store.close();
    throw error;
  }
}

const protoDir = join(import.meta.dirname, '../../../proto');

@Module({})
class ArtifactStoreModule {}

function moduleWith(store: ArtifactStore): DynamicModule {
  return {
    module: ArtifactStoreModule,
    controllers: [ArtifactStoreController],
    providers: [{ provide: ArtifactStore, useValue: store }],
  };
}
