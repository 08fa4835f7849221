import { setTimeout as pause } from 'node:timers/promises';
import { status, type ServiceError } from '@grpc/grpc-js';
import { addSpanEvent } from '@necrocode/telemetry';
import { ExponentialBackoff } from 'cockatiel';

/** How long something that may pass is tried again. */
export interface Persistence {
  readonly signal?: AbortSignal;
  /**
   * Goes on trying until this many milliseconds after the first try: for what must survive that a service
   * is away for a while. Outranks `retries`.
   */
  readonly patienceMs?: number;
  /** Tries after the first one, 4 if absent. 0 for a call that must not wait. */
  readonly retries?: number;
  /** Statuses that the caller wants to handle itself, although they could be retried. */
  readonly dontRetry?: readonly status[];
}

/**
 * Does work until it succeeds, fails for good or has been tried long enough. Between tries it waits, up
 * to 5 s and with jitter, so that a service that is away is asked seldom. What is sent must stay the same
 * over all tries, its idempotency key above all: a try without an answer may have done its work.
 *
 * @throws what the last try threw; with an aborted signal its reason, at once
 */
export async function persist<T>(work: () => Promise<T>, options: Persistence): Promise<T> {
  const { signal, patienceMs } = options;
  const giveUpAt = performance.now() + (patienceMs ?? Infinity);
  const retries = patienceMs === undefined ? (options.retries ?? 4) : Infinity;
  let backoff = backoffs.next();
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const { duration } = backoff;
      const enough = tries > retries || performance.now() + duration > giveUpAt;
      if (enough || !mayPass(error, options)) throw error;
      addSpanEvent('retry', { 'retry.delay_ms': Math.round(duration) });
      await pause(duration, undefined, { signal }).catch(() => undefined);
      signal?.throwIfAborted();
      backoff = backoff.next(undefined);
    }
  }
}

/** True for what grpc-js throws: an error with a numeric status. */
export function isStatusError(error: unknown): error is ServiceError {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'number';
}

/**
 * True when a message was larger than its limit. The status is the one of an exhausted service, but trying
 * again does not help.
 */
export function isMessageTooLarge(error: unknown): boolean {
  return isStatusError(error) && /message( with a size)? larger than/i.test(error.details);
}

const backoffs = new ExponentialBackoff({ initialDelay: 100, maxDelay: 5_000 });

/** Statuses after which the same call, with the same idempotency key, may be sent again. */
const passing: ReadonlySet<number> = new Set([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
  // A server that ends cancels the calls it has; whoever cancels on this side aborts the signal.
  status.CANCELLED,
]);

function mayPass(error: unknown, { dontRetry, signal }: Persistence): boolean {
  if (!isStatusError(error) || signal?.aborted || dontRetry?.includes(error.code)) return false;
  return passing.has(error.code) && !isMessageTooLarge(error);
}
