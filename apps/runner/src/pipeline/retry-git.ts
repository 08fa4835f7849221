import { setTimeout as pause } from 'node:timers/promises';
import { RunnerError } from '@necrocode/contracts';
import { addSpanEvent } from '@necrocode/telemetry';
import type { AwayReason } from '@necrocode/workspace';
import { ExponentialBackoff, halfJitterGenerator } from 'cockatiel';

export interface GitRetries {
  /** Of an operation that fails for a reason that may pass, such as somebody else's lock. */
  readonly tries: number;
  /** How long after its first failure a remote that cannot be reached is tried again. */
  readonly patienceMs: number;
}

/** A host that is not known is more often a wrong address than a trouble that passes. */
const unknownHostMs = 20_000;

/**
 * Repeats a git operation that failed for a reason that may pass, with exponential backoff up to 10 s and
 * jitter.
 *
 * @throws what the last try threw; with an aborted signal its reason, at once
 */
export async function retryGit<T>(
  operation: () => Promise<T>,
  { tries, patienceMs }: GitRetries,
  signal: AbortSignal,
): Promise<T> {
  let backoff = backoffs.next();
  let failures = 0;
  let firstAt: number | undefined;
  for (;;) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof RunnerError) || !error.retryable || signal.aborted) throw error;
      const now = performance.now();
      firstAt ??= now;
      const limitMs = awayLimit(error.reason, patienceMs);
      if (limitMs === undefined) failures += 1;
      const leftMs = limitMs === undefined ? Infinity : firstAt + limitMs - now;
      if (failures >= tries || leftMs <= 0) throw error;
      // The last try is made when the patience ends.
      const delay = Math.min(backoff.duration, leftMs);
      addSpanEvent('retry', { 'retry.delay_ms': Math.round(delay), 'retry.reason': error.code });
      await pause(delay, undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
      backoff = backoff.next(undefined);
    }
  }
}

const backoffs = new ExponentialBackoff({
  generator: halfJitterGenerator,
  initialDelay: 500,
  maxDelay: 10_000,
});

/** Undefined where it is the remote that failed, not the way to it. */
function awayLimit(reason: string | undefined, patienceMs: number): number | undefined {
  switch (reason as AwayReason | undefined) {
    case 'network':
      return patienceMs;
    case 'unknown_host':
      return Math.min(patienceMs, unknownHostMs);
    default:
      return undefined;
  }
}
