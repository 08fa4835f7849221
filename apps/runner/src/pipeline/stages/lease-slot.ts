import type { Attempt } from '../attempt.js';
import { checkDestination } from '../check-destination.js';
import type { Slot } from '../ports.js';

/** Borrows a workspace; an exhausted pool is waited for. Throws also repo_not_allowed, branch_not_allowed. */
export async function leaseSlot(attempt: Attempt): Promise<Slot> {
  const { task, lease, stages, work, services } = attempt;
  const slot = await stages.run('lease_slot', async () => {
    // The pool reads the repository, so it is not asked for one that may not be reached.
    checkDestination(task, services.settings.git);
    return services.pool.allocate(lease, task.repo_url, work.signal);
  });
  attempt.leases.holdSlot(slot);
  return slot;
}
