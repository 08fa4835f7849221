import type { Attempt } from '../attempt.js';
import type { Slot } from '../ports.js';

/** Borrows a workspace; an exhausted pool is waited for. */
export async function leaseSlot(attempt: Attempt): Promise<Slot> {
  const { task, lease, stages, work, services } = attempt;
  const slot = await stages.run('lease_slot', () =>
    services.pool.allocate(lease, task.repo_url, work.signal),
  );
  attempt.leases.holdSlot(slot);
  return slot;
}
