import { EventEmitter, once } from 'node:events';
import { RunnerError } from '@necrocode/contracts';
import type { CallPermit } from '@necrocode/llm';
import { signClock, type Life, type SignAnswer } from '@necrocode/messaging';
import type { Logger } from '@necrocode/telemetry';
import type { Lease, Renewal, RepoPool, Slot, TaskRegistry } from './ports.js';
import type { WorkSignal } from './work-signal.js';

interface Kept {
  readonly registry: Pick<TaskRegistry, 'renewal' | 'watchCancel'>;
  readonly pool: Pick<RepoPool, 'renewal'>;
  readonly lease: Lease;
  readonly life: Life;
  readonly work: WorkSignal;
  readonly log: Logger;
}

export interface LeaseTimes {
  readonly leaseSeconds: number;
  /** How long renewals may go unanswered. */
  readonly patienceMs: number;
}

/**
 * Has the task's lease and the slot's renewed from the thread that gives signs of life, and ends the work
 * when either is lost, or when the registry tells of a cancellation. The first renewal is made at once: a
 * cancellation that came while the claim was answered must not wait for the second.
 *
 * No answer is no refusal: a service that was away counts leases as renewed when it is back, and whoever
 * lost one all the same is refused whatever he does with it. So the work goes on, as long as other calls
 * would wait; only what costs money makes sure first (`permit`).
 */
export class LeaseKeeper {
  private readonly stops: (() => void)[] = [];
  private letSlotGo: (() => void) | undefined;
  private readonly renewals = new EventEmitter<{ task: [] }>();
  /** When the renewal was sent that the registry answered last. */
  private taskRenewedAt = -Infinity;

  constructor(
    private readonly kept: Kept,
    private readonly times: LeaseTimes,
    /** False where a cancellation that was heard before is what the attempt is for. */
    hearsCancel = true,
  ) {
    const noteRenewal = (at: number) => {
      this.taskRenewedAt = at;
      this.renewals.emit('task');
    };
    this.stops.push(this.keep(kept.registry.renewal(kept.lease), noteRenewal));
    if (hearsCancel) this.stops.push(kept.registry.watchCancel(kept.lease, () => this.endCancelled()));
  }

  /** From now on the slot's lease is renewed as well. */
  holdSlot(slot: Slot): void {
    this.letSlotGo = this.keep(this.kept.pool.renewal(slot));
    this.stops.push(this.letSlotGo);
  }

  /** Before the slot is given back: a renewal after that would find the lease lost. */
  releaseSlot(): void {
    this.letSlotGo?.();
  }

  /**
   * Holds while nobody else can have been given the task, which who was stopped for a while or is cut off does
   * not know: then it is obtained with the next renewal. Throws why the work has ended.
   */
  readonly permit: CallPermit = {
    holds: () => signClock() - this.taskRenewedAt < this.times.leaseSeconds * 1000,
    obtain: () => this.obtainPermit(),
  };

  private async obtainPermit(): Promise<void> {
    const { signal } = this.kept.work;
    while (!this.permit.holds()) {
      signal.throwIfAborted();
      await once(this.renewals, 'task', { signal }).catch(() => signal.throwIfAborted());
    }
    signal.throwIfAborted();
  }

  close(): void {
    for (const stop of this.stops) stop();
  }

  private keep({ call, judge }: Renewal, onRenewed?: (at: number) => void): () => void {
    const { leaseSeconds, patienceMs } = this.times;
    let renewedAt: number | undefined;
    const hear = (answer: SignAnswer) => {
      // Of the first answer on: the lease was granted just before.
      renewedAt ??= answer.at;
      const verdict = judge(answer);
      if (verdict === 'kept' || verdict === 'cancel_requested') {
        renewedAt = answer.at;
        onRenewed?.(answer.at);
      } else this.kept.log.warn({ verdict, path: call.path }, 'renewing a lease failed');
      const late = answer.at - renewedAt > patienceMs;
      if (verdict === 'cancel_requested') this.endCancelled();
      else if (verdict === 'lost') this.end('lease_lost', 'a lease of the task was taken back');
      else if (late) this.end('lease_lost', 'the leases could not be renewed in time');
    };
    return this.kept.life.give(call, (leaseSeconds * 1000) / 4, hear);
  }

  private endCancelled(): void {
    this.end('cancelled', 'the task was cancelled');
  }

  private end(code: 'cancelled' | 'lease_lost', message: string): void {
    this.kept.work.end(new RunnerError(code, message));
  }
}
