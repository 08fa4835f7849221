import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks `probe` until it returns a value. For facts of other processes that nobody announces; where
 * there is an event, wait for the event.
 *
 * @throws after `deadlineMs`, with the last error that `probe` threw as cause
 */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
  deadlineMs = 20_000,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  let cause: unknown;
  do {
    try {
      const value = await probe();
      if (value !== undefined) return value;
    } catch (error) {
      cause = error;
    }
    await pause(25);
  } while (Date.now() < end);
  throw new Error(`did not happen within ${deadlineMs} ms: ${what}`, { cause });
}
