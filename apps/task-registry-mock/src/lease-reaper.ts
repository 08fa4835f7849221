import type { Logger } from '@necrocode/telemetry';
import { expiredRuns, expireLease, extendLeasesAfterStart } from './lease.js';
import type { Registry } from './registry.js';
import { admitAllWaiting } from './repository-limit.js';

const everyMs = 1_000;
const answersEveryMs = 60 * 60 * 1_000;
/** A runner whose calls failed comes back within about 2 s (the channel's reconnect backoff). */
const graceAfterStartMs = 5_000;

/** Gives the work of runners that went silent to others. */
export class LeaseReaper {
  private readonly timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly registry: Registry,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.registry.change((change) => {
      extendLeasesAfterStart(change, graceAfterStartMs);
      admitAllWaiting(change);
    });
    this.timers.push(setInterval(() => this.safely(() => this.reap()), everyMs));
    this.timers.push(setInterval(() => this.safely(() => this.registry.forgetOldAnswers()), answersEveryMs));
  }

  /** Ends the leases that have run out by now. Returns how many. */
  reap(): number {
    const { registry } = this;
    if (expiredRuns(registry.sql, registry.now()).length === 0) return 0;
    return registry.change((change) => {
      const expired = expiredRuns(change.sql, change.now);
      for (const run of expired) expireLease(change, run);
      return expired.length;
    });
  }

  stop(): void {
    for (const timer of this.timers.splice(0)) clearInterval(timer);
  }

  /** A failed round, such as one on a full disk, is not the last. */
  private safely(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.logger.error({ error }, 'housekeeping failed');
    }
  }
}
