import { ExponentialBackoff, halfJitterGenerator, type IBackoff } from 'cockatiel';

export interface RetryWaitSettings {
  /** Upper end of the first wait, which then doubles up to `maxDelayMs`. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** Of a wait that the server asks for. */
  readonly maxWaitMs: number;
}

/** Spread over what the server asked for, so that a fleet that was told the same does not return at once. */
const spread = 0.1;

/**
 * The waits of one request, growing exponentially. At least half of each is not left to chance, so that an
 * endpoint that is away is asked seldom.
 *
 * @returns milliseconds for the next wait, never less than the server asked for; undefined when it
 * asked for more than may be waited
 */
export function createRetryWaits({ firstDelayMs, maxDelayMs, maxWaitMs }: RetryWaitSettings) {
  let backoff: IBackoff<unknown> = new ExponentialBackoff({
    generator: halfJitterGenerator,
    initialDelay: firstDelayMs,
    maxDelay: maxDelayMs,
  }).next();
  return (askedMs = 0): number | undefined => {
    if (askedMs > maxWaitMs) return undefined;
    const wait = Math.max(backoff.duration, askedMs * (1 + Math.random() * spread));
    backoff = backoff.next(undefined);
    return Math.ceil(wait);
  };
}

/**
 * What a refusing server says about when to come back, in milliseconds from `now`:
 * `retry-after-ms`, else `Retry-After` (seconds or date), else OpenAI's `x-ratelimit-reset-*`.
 */
export function askedWaitMs(headers: Headers, now: number): number | undefined {
  return (
    milliseconds(headers.get('retry-after-ms')) ??
    secondsOrDate(headers.get('retry-after'), now) ??
    limitReset(headers)
  );
}

function milliseconds(value: string | null): number | undefined {
  return value !== null && /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : undefined;
}

function secondsOrDate(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const seconds = milliseconds(value);
  if (seconds !== undefined) return seconds * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** The limit that is used up decides; when none says so, the one that is free first. */
function limitReset(headers: Headers): number | undefined {
  const limits = ['requests', 'tokens'].flatMap((limit) => {
    const resetMs = duration(headers.get(`x-ratelimit-reset-${limit}`));
    const usedUp = headers.get(`x-ratelimit-remaining-${limit}`)?.trim() === '0';
    return resetMs === undefined ? [] : [{ resetMs, usedUp }];
  });
  if (limits.length === 0) return undefined;
  const usedUp = limits.filter((limit) => limit.usedUp);
  if (usedUp.length > 0) return Math.max(...usedUp.map((limit) => limit.resetMs));
  return Math.min(...limits.map((limit) => limit.resetMs));
}

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/** Go's spelling, such as `1s`, `6m0s`, `20ms`. */
function duration(value: string | null): number | undefined {
  if (value === null || !/^(\d+(\.\d+)?(d|h|ms|m|s))+$/.test(value)) return undefined;
  let total = 0;
  for (const [, figure, unit] of value.matchAll(/(\d+(?:\.\d+)?)(d|h|ms|m|s)/g)) {
    total += Number(figure) * unitMs[unit as keyof typeof unitMs];
  }
  return total;
}
