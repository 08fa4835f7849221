import { hostname } from 'node:os';
import { join } from 'node:path';
import { Module, type DynamicModule } from '@nestjs/common';
import { repoPool } from '@necrocode/contracts';
import { serveGrpc } from '@necrocode/rpc';
import { serveMetrics, type Logger } from '@necrocode/telemetry';
import type { RepoPoolSettings } from './settings.js';
import { RepoPoolController } from './repo-pool.controller.js';
import { RepoPool } from './repo-pool.js';

export interface RunningRepoPool {
  readonly pool: RepoPool;
  close(): Promise<void>;
}

/** Starts the service; it answers calls when this resolves. */
export async function startRepoPool(settings: RepoPoolSettings, log: Logger): Promise<RunningRepoPool> {
  const pool = new RepoPool(
    { ...settings, host: hostname(), mirrorTimeoutMs: settings.mirrorTimeoutSeconds * 1000 },
    log,
  );
  try {
    const app = await serveGrpc({
      module: moduleWith(pool),
      name: 'necrocode.repo_pool.v1.RepoPoolService',
      definition: repoPool.RepoPoolServiceService,
      address: settings.listenAddress,
      tls: settings.tls,
      faults: settings.faultInjection,
      reflectionProtoDir: settings.reflection ? protoDir : undefined,
    });
    const metrics = await serveMetrics(settings.metricsAddress);
    const close = async () => {
      await metrics.close();
      await app.close();
      await pool.close();
    };
    return { pool, close };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

const protoDir = join(import.meta.dirname, '../../../proto');

@Module({})
class RepoPoolModule {}

function moduleWith(pool: RepoPool): DynamicModule {
  return {
    module: RepoPoolModule,
    controllers: [RepoPoolController],
    providers: [{ provide: RepoPool, useValue: pool }],
  };
}
