import { RunnerError } from '@necrocode/contracts';
import { addSpanEvent } from '@necrocode/telemetry';
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';

/** Repeats a git operation that failed for a reason that may pass, with exponential backoff and jitter. */
export async function retryGit<T>(operation: () => Promise<T>, signal: AbortSignal, tries = 3): Promise<T> {
  const mayPass = (error: unknown) => error instanceof RunnerError && error.retryable && !signal.aborted;
  const policy = retry(handleWhen(mayPass), {
    maxAttempts: tries - 1,
    backoff: new ExponentialBackoff({ initialDelay: 500, maxDelay: 10_000 }),
  });
  policy.onRetry(({ delay }) => addSpanEvent('retry', { 'retry.delay_ms': Math.round(delay) }));
  return policy.execute(operation, signal);
}
