import { RunnerError } from '@necrocode/contracts';
import type { Logger } from '@necrocode/telemetry';
import type { Lease, RepoPool, Slot, TaskRegistry } from './ports.js';
import type { WorkSignal } from './work-signal.js';

interface Kept {
  readonly registry: TaskRegistry;
  readonly pool: RepoPool;
  readonly lease: Lease;
  /** Undefined as long as there is no slot. */
  readonly slot: () => Slot | undefined;
  readonly work: WorkSignal;
  readonly log: Logger;
}

/** Renews the task's lease and the slot's beside the work, and ends the work when either is lost. */
export class LeaseKeeper {
  private readonly timer: NodeJS.Timeout;
  private renewedAt = Date.now();
  private renewing = false;

  constructor(
    private readonly kept: Kept,
    private readonly leaseSeconds: number,
  ) {
    this.timer = setInterval(() => void this.renew(), (leaseSeconds * 1000) / 4);
  }

  /** Asks the registry at once, to hear of a cancellation. */
  async renew(): Promise<void> {
    if (this.renewing) return;
    this.renewing = true;
    const { registry, pool, lease, slot, work, log } = this.kept;
    try {
      const { cancelRequested } = await registry.renew(lease);
      if (cancelRequested) work.end(new RunnerError('cancelled', 'the task was cancelled'));
      const held = slot();
      if (held) await pool.renew(held);
      this.renewedAt = Date.now();
    } catch (error) {
      const late = Date.now() - this.renewedAt > this.leaseSeconds * 1000;
      log.warn({ error }, 'renewing the leases failed');
      if (RunnerError.from(error).code === 'lease_lost') work.end(RunnerError.from(error));
      else if (late) work.end(new RunnerError('lease_lost', 'the leases could not be renewed in time'));
    } finally {
      this.renewing = false;
    }
  }

  close(): void {
    clearInterval(this.timer);
  }
}
