import { setTimeout as pause } from 'node:timers/promises';
import { RunnerError } from '@necrocode/contracts';
import type { Life } from '@necrocode/messaging';
import type { WorkSignal } from './work-signal.js';

/** Seconds that a stage may take, by its name. */
export type StageTimeouts = Readonly<Record<string, number>>;

/** For a stage without a time-out of its own. */
const otherwiseSeconds = 300;
/** The time between two stages, and what the main thread may be late by before it counts as hung. */
const graceMs = 30_000;
/** What a stage has to end what it started, after the work has ended. Whoever cancels a task waits for it. */
const endingMs = { cancelled: 500, otherwise: 2_000 };

/** Stages that only wait for others: left behind, they have nothing in the workspace. */
const waitOnly: ReadonlySet<string> = new Set(['lease_slot', 'propose_change', 'decide_commit']);

/**
 * The time of an attempt's stages. Each has to be over within its own time-out, and the work with the
 * task's; until then, and a little longer, the attempt shows signs of life.
 */
export class StageClock {
  /** The stage that ran out of time. */
  timedOut: string | undefined;
  private readonly ends = new Set<{ readonly at: number }>();
  private readonly leftBehind = new Set<Promise<unknown>>();

  constructor(
    private readonly timeouts: StageTimeouts,
    private readonly work: WorkSignal,
    private readonly life: Pick<Life, 'until'>,
  ) {
    this.showLife();
  }

  /**
   * A stage of the work: ends with it, or ends it when it takes too long. Rejects soon after the end of
   * the work, also when the stage itself does not react.
   */
  async working<T>(name: string, stage: () => Promise<T>): Promise<T> {
    const { signal } = this.work;
    signal.throwIfAborted();
    const over = new AbortController();
    const tooLong = this.timeout(name);
    const timer = setTimeout(() => {
      this.timedOut ??= name;
      this.work.end(tooLong.error);
    }, tooLong.ms);
    const ended = new Promise<never>((_resolve, reject) => {
      const onEnd = () =>
        void pause(endingTime(signal), undefined, { signal: over.signal }).then(
          () => reject(signal.reason as Error),
          () => undefined,
        );
      signal.addEventListener('abort', onEnd, { once: true });
      over.signal.addEventListener('abort', () => signal.removeEventListener('abort', onEnd));
    });
    try {
      const limitMs = Math.min(tooLong.ms, this.work.leftMs);
      return await this.timed(limitMs, waitOnly.has(name) ? stage : () => this.noted(stage()), ended);
    } finally {
      clearTimeout(timer);
      over.abort();
    }
  }

  /** A stage after the end of the work: rejects with `timeout` when it takes too long. */
  async concluding<T>(name: string, stage: () => Promise<T>): Promise<T> {
    const tooLong = this.timeout(name);
    let timer: NodeJS.Timeout | undefined;
    const ended = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(tooLong.error), tooLong.ms);
    });
    try {
      return await this.timed(tooLong.ms, stage, ended);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits for stages that may still use the workspace after the work has ended, but not for ever. */
  async settle(atMostMs: number): Promise<void> {
    if (this.leftBehind.size === 0) return;
    const over = new AbortController();
    const late = pause(atMostMs, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([Promise.allSettled(this.leftBehind), late]);
    over.abort();
  }

  private async timed<T>(limitMs: number, stage: () => Promise<T>, ended: Promise<never>): Promise<T> {
    const end = { at: performance.now() + limitMs };
    this.ends.add(end);
    this.showLife();
    try {
      return await Promise.race([stage(), ended]);
    } finally {
      this.ends.delete(end);
      this.showLife();
    }
  }

  private noted<T>(running: Promise<T>): Promise<T> {
    const left = running.catch(() => undefined).finally(() => this.leftBehind.delete(left));
    this.leftBehind.add(left);
    return running;
  }

  private timeout(name: string): { readonly ms: number; readonly error: RunnerError } {
    const seconds = this.timeouts[name] ?? otherwiseSeconds;
    const error = new RunnerError('timeout', `the stage ${name} did not end within its ${seconds} s`);
    return { ms: seconds * 1000, error };
  }

  /** Until the last of the stages that run now must be over. */
  private showLife(): void {
    const now = performance.now();
    const last = Math.max(now, ...[...this.ends].map(({ at }) => at));
    this.life.until(last - now + graceMs);
  }
}

function endingTime({ reason }: AbortSignal): number {
  return RunnerError.from(reason).code === 'cancelled' ? endingMs.cancelled : endingMs.otherwise;
}
