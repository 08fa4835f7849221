import { artifactStore, repoPool, taskRegistry } from '@necrocode/contracts';
import type { StackOptions } from '@necrocode/stack';
import { startGitRemote } from './proxy/git-remote.js';
import { startGrpcProxy } from './proxy/grpc-proxy.js';
import { startNatsProxy, type Proxy } from './proxy/nats-proxy.js';
import type { Scene } from './scene.js';

type Addresses = Parameters<NonNullable<StackOptions['runnerEnvironment']>>[1];

/**
 * Starts the proxies of one runner.
 *
 * @param keep is told of each, to close it in the end
 * @returns the environment by which the runner goes through them
 */
export async function watchRunner(
  runner: number,
  addresses: Addresses,
  { gate, ledger, repositories }: Scene,
  keep: (proxy: Proxy) => void,
): Promise<Record<string, string>> {
  const leases = new Map<string, string>();
  const kept = async (starting: Promise<Proxy>) => {
    const proxy = await starting;
    keep(proxy);
    return `127.0.0.1:${proxy.port}`;
  };
  const grpc = (service: Parameters<typeof startGrpcProxy>[0]['service'], upstream: string) =>
    kept(startGrpcProxy({ runner, service, upstream, gate, ledger, leases }));
  const upstreamPort = Number(new URL(addresses.nats_url).port);
  const nats = await kept(startNatsProxy({ runner, upstreamPort, gate, ledger }));
  const git = await kept(startGitRemote({ runner, repositories, gate, ledger }));
  const { TaskRegistryServiceService } = taskRegistry;
  const { RepoPoolServiceService } = repoPool;
  const { ArtifactStoreServiceService } = artifactStore;
  return {
    NATS_URL: `nats://${nats}`,
    TASK_REGISTRY_URL: await grpc(TaskRegistryServiceService, addresses.task_registry),
    REPO_POOL_URL: await grpc(RepoPoolServiceService, addresses.repo_pool),
    ARTIFACT_STORE_URL: await grpc(ArtifactStoreServiceService, addresses.artifact_store),
    // Git goes through the runner's own door; gRPC, which obeys the variable as well, does not.
    http_proxy: `http://${git}`,
    no_grpc_proxy: '127.0.0.1',
  };
}
