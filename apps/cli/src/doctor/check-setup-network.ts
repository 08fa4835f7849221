import { z } from 'zod';
import { ok, warn, type Check } from './check.js';

const patienceMs = 3_000;

const reachSchema = z.looseObject({
  runner_id: z.string(),
  setup_network: z.looseObject({ confined: z.boolean(), hosts: z.array(z.string()) }),
});
export type RunnerReach = z.infer<typeof reachSchema>;

/** What setup commands may reach, as the runners of a stack say themselves. Empty where there are none. */
export async function checkSetupNetwork(runners: readonly string[]): Promise<Check[]> {
  const reached = await Promise.all(runners.map(askRunner));
  return reached.flatMap((reach) => (reach ? [judgeReach(reach)] : []));
}

export function judgeReach({ runner_id, setup_network: { confined, hosts } }: RunnerReach): Check {
  const name = `setup network of ${runner_id}`;
  if (!confined) {
    return warn(
      name,
      'the whole network of its host',
      'only the sandbox level full confines it: install bubblewrap',
    );
  }
  if (hosts.some((host) => host === '*' || host.startsWith('*:'))) {
    return warn(
      name,
      'every public host (*)',
      'name the hosts in sandbox.setup_network.hosts or SANDBOX_SETUP_HOSTS',
    );
  }
  return ok(name, hosts.join(', ') || 'none');
}

async function askRunner(http: string): Promise<RunnerReach | undefined> {
  try {
    const response = await fetch(`${http}/health/ready`, { signal: AbortSignal.timeout(patienceMs) });
    return reachSchema.parse(await response.json());
  } catch {
    return undefined; // Runners that are away are counted by the registry.
  }
}
