import type { taskRegistry } from '@necrocode/contracts';
import { checkHealth } from '@necrocode/rpc';
import type { Endpoints, ServiceEndpoint } from '../endpoints.js';
import { openTaskRegistry } from '../reach/task-registry.js';
import { describeEndpoint } from '../reach/unreachable.js';
import { fail, ok, warn, type Check } from './check.js';
import type { QueueLoad } from './check-nats.js';

const patienceMs = 3_000;
const seenWithinSeconds = 60;

/** The three gRPC services, by their standard health checks. */
export function checkServices({ taskRegistry, repoPool, artifactStore }: Endpoints): Promise<Check[]> {
  return Promise.all([
    checkService('task registry', taskRegistry, 'TASK_REGISTRY_URL'),
    checkService('repo pool', repoPool, 'REPO_POOL_URL'),
    checkService('artifact store', artifactStore, 'ARTIFACT_STORE_URL'),
  ]);
}

/** The runners that were heard of lately; undefined when the registry cannot tell. */
export async function findRunners(
  endpoint: ServiceEndpoint,
): Promise<readonly taskRegistry.Runner[] | undefined> {
  const registry = openTaskRegistry(endpoint);
  try {
    return await registry.listRunners(seenWithinSeconds);
  } catch {
    // What is wrong with the registry is said by its own check.
    return undefined;
  } finally {
    registry.close();
  }
}

export function judgeRunners(runners: readonly taskRegistry.Runner[] | undefined): Check {
  if (runners === undefined) return warn('runners', 'not known: the task registry cannot tell', 'see there');
  if (runners.length === 0) {
    return fail(
      'runners',
      `none was heard of in the last ${seenWithinSeconds} s`,
      'start one: npm run stack has some',
    );
  }
  const names = runners.map(
    ({ runnerId, sandbox, queues }) => `${runnerId} (${queues.join(', ')}; sandbox ${sandbox})`,
  );
  return ok('runners', names.join(', '));
}

/** Queues in which messages would wait for ever. */
export function judgeQueues(
  queues: ReadonlyMap<string, QueueLoad> | undefined,
  runners: readonly taskRegistry.Runner[] | undefined,
): Check {
  if (!queues || !runners) return warn('queues', 'not known', 'NATS and the task registry must answer first');
  const served = new Set(runners.flatMap((runner) => runner.queues));
  const unserved = [...queues].filter(([queue]) => !served.has(queue));
  if (unserved.length === 0) return ok('queues', [...served].join(', ') || 'none');
  const described = unserved.map(([queue, { waiting }]) => `${queue} (${waiting} waiting)`).join(', ');
  return warn('queues', `no runner serves ${described}`, 'name them in RUNNER_QUEUES of a runner');
}

async function checkService(name: string, endpoint: ServiceEndpoint, variable: string): Promise<Check> {
  const trouble = await checkHealth(endpoint, patienceMs);
  if (trouble === undefined)
    return ok(name, endpoint.tls ? `${endpoint.address}, with TLS` : endpoint.address);
  return fail(
    name,
    `${describeEndpoint(endpoint)}: ${trouble}`,
    `npm run stack starts one; ${variable} names another`,
  );
}
