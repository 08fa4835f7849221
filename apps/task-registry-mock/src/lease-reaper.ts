import type { Logger } from '@necrocode/telemetry';
import { expiredRuns, expireLease, extendLeases } from './lease.js';
import type { Registry } from './registry.js';
import { admitAllWaiting } from './repository-limit.js';

const everyMs = 1_000;
const answersEveryMs = 60 * 60 * 1_000;
/** A process that was stopped for longer has missed renewals, as one that was not there. */
const longestPauseMs = 3_000;

/** Gives the work of runners that went silent to others. */
export class LeaseReaper {
  private readonly timers: NodeJS.Timeout[] = [];
  private lookedAt = 0;

  constructor(
    private readonly registry: Registry,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.registry.change((change) => {
      extendLeases(change);
      admitAllWaiting(change);
    });
    this.lookedAt = this.registry.now();
    this.timers.push(setInterval(() => this.safely(() => this.look()), everyMs));
    this.timers.push(setInterval(() => this.safely(() => this.registry.forgetOldAnswers()), answersEveryMs));
  }

  /** Every second: reaps, unless the process itself was held up for so long that nobody could renew. */
  look(): number {
    const now = this.registry.now();
    const heldUp = now - this.lookedAt > longestPauseMs;
    this.lookedAt = now;
    if (!heldUp) return this.reap();
    this.registry.change(extendLeases);
    return 0;
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
