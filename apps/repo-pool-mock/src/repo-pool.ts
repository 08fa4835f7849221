import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { repoPool as wire, RunnerError } from '@necrocode/contracts';
import { DurableStore, rpcError, status } from '@necrocode/rpc';
import { counter, durationHistogram, type Logger } from '@necrocode/telemetry';
import type { RepoUrlPolicy } from '@necrocode/workspace';
import { LeaseBook, migrations, type Lease, type ReadySlot, type SlotState } from './lease-book.js';
import { readOrder, readLeaseMs, type Order } from './order.js';
import { ReadySlots } from './ready-slots.js';
import { recover } from './recover.js';
import { repositoryName } from './repository-name.js';
import { SlotYard } from './slot-yard.js';
import { StrayDirectories } from './stray-directories.js';

export interface RepoPoolOptions extends RepoUrlPolicy {
  readonly dataDir: string;
  /** Name of the host that sees the slot directories. */
  readonly host: string;
  readonly slotsPerRepo: number;
  readonly warmSlots: number;
  readonly mirrorTimeoutMs: number;
  /** How long an allocation waits for a mirror before it lends what there is; 20 seconds if absent. */
  readonly mirrorPatienceMs?: number;
}

/** Broken slots whose directories are kept for a look, per repository. */
const keptBroken = 3;
const reapEveryMs = 1_000;
/** A process that was stopped for longer has missed renewals, as one that was not there. */
const longestPauseMs = 3_000;
const forgetEveryMs = 60 * 60 * 1000;

const allocationTime = durationHistogram('necrocode.pool.allocation.duration', 'Time until a slot was lent');
const leasesExpired = counter('necrocode.pool.leases.expired', 'Leases that nobody renewed', '{lease}');
// An alert on the first one needs the value before it.
leasesExpired.add(0);

/** Lends slots. Every lease has a directory of its own, which no other lease had or will have. */
export class RepoPool {
  private readonly store: DurableStore;
  private readonly book: LeaseBook;
  private readonly yard: SlotYard;
  private readonly ready: ReadySlots;
  private readonly strays: StrayDirectories;
  private readonly allocating = new Map<string, Promise<wire.AllocateResponse>>();
  /** Leases promised to allocations that wait for their slot to be made, per repository. */
  private readonly promised = new Map<string, number>();
  private readonly underway = new Set<Promise<unknown>>();
  private readonly timers: NodeJS.Timeout[];
  private lookedAt = Date.now();

  constructor(
    private readonly options: RepoPoolOptions,
    private readonly log: Logger,
  ) {
    this.store = new DurableStore(join(options.dataDir, 'repo-pool.db'), migrations);
    this.book = new LeaseBook(this.store);
    this.yard = new SlotYard(options.dataDir, log);
    this.ready = new ReadySlots(
      { mirrorPatienceMs: 20_000, ...options, target: (repo) => this.warmTarget(repo) },
      this.book,
      this.yard,
      log,
    );
    recover(this.store, this.book, this.yard);
    this.strays = new StrayDirectories(this.book, this.yard, (slotId) => this.ready.isMaking(slotId));
    this.book.extendLeases(Date.now());
    this.timers = [
      setInterval(() => this.look(), reapEveryMs),
      setInterval(() => this.forget(), forgetEveryMs),
    ];
  }

  /**
   * Lends a slot, at once when one waits ready. The same idempotency key gets the same lease, also
   * while the first call is still under way.
   *
   * @throws RpcException INVALID_ARGUMENT, RESOURCE_EXHAUSTED, FAILED_PRECONDITION (stale task token)
   */
  allocate(request: wire.AllocateRequest): Promise<wire.AllocateResponse> {
    const key = request.idempotencyKey;
    const joined = this.allocating.get(key);
    if (joined) return joined;
    const allocation = this.allocateNow(request);
    this.track(allocation);
    if (key !== '') {
      this.allocating.set(key, allocation);
      const forget = () => this.allocating.delete(key);
      allocation.then(forget, forget);
    }
    return allocation;
  }

  /**
   * A lease past its end still holds until the slot is taken back.
   *
   * @throws RpcException FAILED_PRECONDITION when the lease has ended or the token is not its own
   */
  renew(request: wire.RenewRequest): wire.RenewResponse {
    const leaseMs = readLeaseMs(request.leaseSeconds);
    return this.store.once('Renew', request.idempotencyKey, wire.RenewResponse, () => {
      const lease = this.leaseOf(request);
      if (lease.ended) throw lost('the lease has ended');
      const expiresAt = this.book.renewLease(lease.leaseId, { from: Date.now(), ms: leaseMs });
      return { expiresAt: new Date(expiresAt) };
    });
  }

  /** @throws RpcException FAILED_PRECONDITION when the token is not the lease's own */
  release(request: wire.ReleaseRequest): wire.ReleaseResponse {
    const ended: Lease[] = [];
    const answer = this.store.once('Release', request.idempotencyKey, wire.ReleaseResponse, () => {
      const lease = this.leaseOf(request);
      if (!lease.ended) {
        this.end(lease, request.broken ? 'broken' : 'cleaning');
        ended.push(lease);
      }
      return {};
    });
    for (const lease of ended) this.takeBack(lease, request.broken);
    return answer;
  }

  listSlots(request: wire.ListSlotsRequest): wire.ListSlotsResponse {
    const slots = this.book.slots(request.repoUrl === '' ? undefined : repositoryName(request.repoUrl));
    return {
      slots: slots.map((slot) => ({
        slotId: slot.slotId,
        repoUrl: slot.repo,
        state: wireStates[slot.state],
        leaseId: slot.leaseId ?? '',
        runnerId: slot.runnerId ?? '',
        specName: slot.specName ?? '',
        taskId: slot.taskId ?? '',
        expiresAt: slot.expiresAt === null ? undefined : new Date(slot.expiresAt),
      })),
    };
  }

  /** How many slots are in a state, over all repositories. */
  count(state: SlotState): number {
    return this.book.count(state);
  }

  /** Ends background work and closes the state. To be called when no call comes in any more. */
  async close(): Promise<void> {
    this.timers.forEach((timer) => clearInterval(timer));
    await this.ready.close();
    await Promise.allSettled(this.underway);
    await this.yard.settled();
    this.store.close();
  }

  private async allocateNow(request: wire.AllocateRequest): Promise<wire.AllocateResponse> {
    const started = performance.now();
    const order = readOrder(request, this.options.host);
    try {
      return this.leaseReady(order, started) ?? (await this.leaseMade(order, started));
    } finally {
      allocationTime.record((performance.now() - started) / 1000);
      this.ready.keepWarm(order.repo);
    }
  }

  /** The answer that an earlier call got, or a slot that waits ready; undefined: one has to be made. */
  private leaseReady(order: Order, started: number): wire.AllocateResponse | undefined {
    try {
      return this.store.once('Allocate', order.idempotencyKey, wire.AllocateResponse, () => {
        this.refuseStale(order);
        const lent = this.book.count('allocated', order.repo) + (this.promised.get(order.repo) ?? 0);
        if (lent >= this.options.slotsPerRepo) {
          throw rpcError(status.RESOURCE_EXHAUSTED, 'all slots of the repository are lent');
        }
        const slot = order.sameHost ? this.book.nextAvailable(order.repo) : undefined;
        if (!slot) throw new NoneReady();
        this.book.setState(slot.slotId, 'allocated');
        return this.lend(order, slot, started);
      });
    } catch (error) {
      if (error instanceof NoneReady) return undefined;
      throw error;
    }
  }

  private async leaseMade(order: Order, started: number): Promise<wire.AllocateResponse> {
    const { repo } = order;
    this.promised.set(repo, (this.promised.get(repo) ?? 0) + 1);
    let slot: ReadySlot | undefined;
    try {
      const made = (slot = order.sameHost ? await this.ready.make(repo) : await this.seedOf(repo));
      return this.store.once('Allocate', order.idempotencyKey, wire.AllocateResponse, () => {
        this.refuseStale(order);
        this.book.addSlot(made, 'allocated', order.sameHost);
        return this.lend(order, made, started);
      });
    } catch (error) {
      if (slot) void this.yard.discard(slot.slotId);
      // A full disk passes, so the caller is told to come again.
      if (error instanceof RunnerError && error.code === 'workspace_failed') {
        throw rpcError(status.UNAVAILABLE, error.message);
      }
      throw error;
    } finally {
      this.promised.set(repo, (this.promised.get(repo) ?? 1) - 1);
    }
  }

  /** A slot without a directory here: the runner makes one on its own disk. */
  private async seedOf(repo: string): Promise<ReadySlot> {
    const { tip } = await this.ready.freshMirror(repo);
    return { slotId: randomUUID(), repo, commit: tip, mirror: '' };
  }

  private lend(order: Order, slot: ReadySlot, started: number): wire.AllocateResponse {
    const lease = this.book.addLease(randomUUID(), slot, order.borrower, {
      from: Date.now(),
      ms: order.leaseMs,
    });
    return {
      leaseId: lease.leaseId,
      fencingToken: BigInt(lease.fencingToken),
      expiresAt: new Date(lease.expiresAt),
      allocationMs: Math.round(performance.now() - started),
      ...(order.sameHost
        ? { directory: { ...this.yard.placeOf(slot.slotId), commit: slot.commit } }
        : { seed: { mirrorUrl: order.repoUrl, tip: slot.commit } }),
    };
  }

  private refuseStale({ borrower: { specName, taskId, taskToken } }: Order): void {
    if (taskToken > 0 && taskToken < this.book.highestTaskToken(specName, taskId)) {
      throw lost('the task has been claimed by another attempt since');
    }
  }

  private leaseOf(request: { leaseId: string; fencingToken: bigint }): Lease {
    const lease = this.book.lease(request.leaseId);
    if (!lease) throw lost('there is no such lease');
    if (BigInt(lease.fencingToken) !== request.fencingToken) throw lost('the fencing token is stale');
    return lease;
  }

  private end(lease: Lease, slotState: 'broken' | 'cleaning'): void {
    this.book.endLease(lease.leaseId, Date.now());
    this.book.setState(lease.slotId, slotState);
  }

  /** What follows the end of a lease, after it has been written down. */
  private takeBack(lease: Lease, broken: boolean): void {
    const slots = this.book.slots(lease.repo);
    if (broken) {
      const quarantined = slots
        .filter(({ state }) => state === 'broken')
        .sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
      quarantined
        .slice(0, -keptBroken)
        .forEach(({ slotId, mirror }) => this.remove(lease.repo, slotId, mirror));
      this.ready.verify(lease.repo);
    } else {
      this.remove(
        lease.repo,
        lease.slotId,
        slots.find(({ slotId }) => slotId === lease.slotId)?.mirror ?? '',
      );
    }
    this.ready.keepWarm(lease.repo);
  }

  private remove(repo: string, slotId: string, mirror: string): void {
    this.book.setState(slotId, 'cleaning');
    const removal = this.yard.discard(slotId).then(() => {
      this.book.removeSlot(slotId);
      this.ready.returned(repo, mirror);
    });
    this.track(removal);
  }

  /** Takes expired leases back, unless the process itself was held up for so long that nobody could renew. */
  private look(): void {
    const now = Date.now();
    const heldUp = now - this.lookedAt > longestPauseMs;
    this.lookedAt = now;
    if (heldUp) this.book.extendLeases(now);
    else this.reap();
    this.strays.sweep();
  }

  private reap(): void {
    for (const lease of this.book.expired(Date.now())) {
      this.store.transaction(() => this.end(lease, 'cleaning'));
      leasesExpired.add(1);
      this.log.warn({ leaseId: lease.leaseId, slotId: lease.slotId }, 'lease expired, slot taken back');
      this.takeBack(lease, false);
    }
  }

  private forget(): void {
    this.store.forgetOldAnswers();
    this.book.forgetEndedLeases(Date.now());
  }

  private warmTarget(repo: string): number {
    const lent = this.book.count('allocated', repo) + (this.promised.get(repo) ?? 0);
    return Math.min(this.options.warmSlots, this.options.slotsPerRepo - lent);
  }

  private track(work: Promise<unknown>): void {
    const done = () => this.underway.delete(work);
    this.underway.add(work);
    work.then(done, done);
  }
}

/** Undoes the transaction of an allocation that has to make its slot first. */
class NoneReady extends Error {}

const wireStates: Record<SlotState, wire.SlotState> = {
  available: wire.SlotState.SLOT_STATE_AVAILABLE,
  allocated: wire.SlotState.SLOT_STATE_ALLOCATED,
  cleaning: wire.SlotState.SLOT_STATE_CLEANING,
  broken: wire.SlotState.SLOT_STATE_BROKEN,
};

function lost(message: string): Error {
  return rpcError(status.FAILED_PRECONDITION, message);
}
