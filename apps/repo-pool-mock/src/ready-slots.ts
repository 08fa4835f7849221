import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@necrocode/telemetry';
import { checkRepoUrl, GitError, type RepoUrlPolicy } from '@necrocode/workspace';
import type { LeaseBook, ReadySlot } from './lease-book.js';
import { Mirror, type MirrorState } from './mirror.js';
import type { SlotYard } from './slot-yard.js';

export interface ReadySlotsOptions extends RepoUrlPolicy {
  readonly dataDir: string;
  readonly mirrorTimeoutMs: number;
  /** How long an allocation waits for the mirror before it goes on with what there is. */
  readonly mirrorPatienceMs: number;
  /** How many slots of `repo` should wait ready at this moment. */
  readonly target: (repo: string) => number;
}

/** A mirror that was brought up to date within this time is fresh enough for another slot. */
const freshMs = 5_000;

/** Checkouts at the same time: more of them only share the disk. */
const parallelCheckouts = 4;

/**
 * Warming gives way to the task that has just got its slot: it prepares its workspace now, and soon it
 * waits for the model.
 */
const warmingDelayMs = 250;

/** Makes slots from mirrors, on demand and ahead of it. */
export class ReadySlots {
  private readonly mirrors = new Map<string, Mirror>();
  private readonly warming = new Map<string, Promise<void>>();
  private readonly background = new Set<Promise<void>>();
  /** Mirrors from which slots are being made that no row tells of yet. */
  private readonly borrowed = new Map<string, string>();
  private readonly gate = new Gate(parallelCheckouts);
  private readonly closing = new AbortController();

  constructor(
    private readonly options: ReadySlotsOptions,
    private readonly book: LeaseBook,
    private readonly yard: SlotYard,
    private readonly log: Logger,
  ) {}

  /** Where the mirror of `repo` stands, after giving it a bounded time to come up to date. */
  async freshMirror(repo: string): Promise<MirrorState> {
    const mirror = this.mirrorOf(repo);
    const refreshed = mirror.refresh(freshMs);
    const patience = new AbortController();
    const signal = AbortSignal.any([patience.signal, this.closing.signal]);
    const impatient = sleep(this.options.mirrorPatienceMs, undefined, { signal }).catch(() => undefined);
    await Promise.race([refreshed, impatient]);
    patience.abort();
    return mirror.current;
  }

  /**
   * A new slot of `repo`; an empty one when the mirror has nothing or is damaged.
   *
   * @throws RunnerError `workspace_failed` when the disk does not take it
   */
  async make(repo: string): Promise<ReadySlot> {
    const mirror = await this.freshMirror(repo);
    try {
      return await this.makeFrom(repo, mirror);
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      this.log.warn({ repo, error }, 'checkout failed, an empty slot is lent');
      this.verify(repo);
      return this.makeFrom(repo, { gitDir: undefined, tip: '' });
    }
  }

  /** Sees in the background that as many fresh slots wait as should. One job per repository. */
  keepWarm(repo: string): void {
    if (this.closing.signal.aborted || this.warming.has(repo)) return;
    const job = this.warm(repo)
      .catch((error: unknown) => {
        if (this.closing.signal.aborted) return;
        this.log.warn({ repo, error }, 'slots could not be made ready');
        if (error instanceof GitError) this.verify(repo);
      })
      .finally(() => this.warming.delete(repo));
    this.warming.set(repo, job);
  }

  /** Checks the mirror of `repo` in the background and makes it anew when it is damaged. */
  verify(repo: string): void {
    const mirror = this.mirrorOf(repo);
    this.inBackground(async () => {
      await mirror.verify();
      await mirror.dropRetired(this.mirrorsInUse(repo));
    });
  }

  /** To be called when a slot that borrowed from `gitDir` is gone. */
  returned(repo: string, gitDir: string): void {
    const mirror = this.mirrorOf(repo);
    if (mirror.current.gitDir === undefined || mirror.current.gitDir === gitDir) return;
    this.inBackground(() => mirror.dropRetired(this.mirrorsInUse(repo)));
  }

  /** Whether the slot is being made, so that no row tells of it yet. */
  isMaking(slotId: string): boolean {
    return this.borrowed.has(slotId);
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all([...this.warming.values(), ...this.background]);
  }

  private async warm(repo: string): Promise<void> {
    await sleep(warmingDelayMs, undefined, { signal: this.closing.signal });
    const mirror = this.mirrorOf(repo);
    await mirror.refresh(freshMs);
    const { gitDir, tip } = mirror.current;
    // Slots of a repository that cannot be read are empty, and made as fast as they are taken.
    if (gitDir === undefined) return;
    for (const slot of this.book.available(repo)) {
      if (slot.commit !== tip || slot.mirror !== gitDir) await this.drop(slot);
    }
    while (!this.closing.signal.aborted && this.book.available(repo).length < this.options.target(repo)) {
      this.book.addSlot(await this.makeFrom(repo, mirror.current), 'available', true);
    }
  }

  /** Row first: from then on nobody is lent the slot. */
  private async drop(slot: ReadySlot): Promise<void> {
    this.book.removeSlot(slot.slotId);
    await this.yard.discard(slot.slotId);
  }

  private async makeFrom(repo: string, mirror: MirrorState): Promise<ReadySlot> {
    const slotId = randomUUID();
    this.borrowed.set(slotId, mirror.gitDir ?? '');
    try {
      const { commit } = await this.gate.pass(() => this.yard.make(slotId, mirror, this.closing.signal));
      return { slotId, repo, commit, mirror: mirror.gitDir ?? '' };
    } finally {
      this.borrowed.delete(slotId);
    }
  }

  private mirrorsInUse(repo: string): ReadonlySet<string> {
    return new Set([...this.book.slots(repo).map(({ mirror }) => mirror), ...this.borrowed.values()]);
  }

  private mirrorOf(repo: string): Mirror {
    const known = this.mirrors.get(repo);
    if (known) return known;
    const mirror = new Mirror({
      directory: join(this.options.dataDir, 'mirrors'),
      repo,
      remote: checkRepoUrl(repo, this.options),
      timeoutMs: this.options.mirrorTimeoutMs,
      signal: this.closing.signal,
      log: this.log,
    });
    this.mirrors.set(repo, mirror);
    return mirror;
  }

  private inBackground(work: () => Promise<void>): void {
    const job = work()
      .catch((error: unknown) => this.log.warn({ error }, 'work on a mirror failed'))
      .finally(() => this.background.delete(job));
    this.background.add(job);
  }
}

/** Lets a number of tasks through at the same time, the others in order of arrival. */
class Gate {
  private readonly waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }
}
