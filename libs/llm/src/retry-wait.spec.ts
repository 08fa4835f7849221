import { askedWaitMs, createRetryWaits } from './retry-wait.js';

const now = Date.parse('2026-01-01T00:00:00Z');

describe('askedWaitMs', () => {
  it.each<[string, Record<string, string>, number | undefined]>([
    ['Retry-After in seconds', { 'retry-after': '2' }, 2000],
    ['Retry-After with a fraction', { 'retry-after': '0.5' }, 500],
    ['Retry-After as a date', { 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }, 30_000],
    ['Retry-After as a date that has passed', { 'retry-after': 'Wed, 31 Dec 2025 23:59:00 GMT' }, 0],
    ['Retry-After that means nothing', { 'retry-after': 'soon' }, undefined],
    ['retry-after-ms before Retry-After', { 'retry-after-ms': '150', 'retry-after': '2' }, 150],
    ['a reset in seconds', { 'x-ratelimit-reset-requests': '1s' }, 1000],
    ['a reset in minutes and seconds', { 'x-ratelimit-reset-tokens': '6m0s' }, 360_000],
    ['a reset in milliseconds', { 'x-ratelimit-reset-tokens': '20ms' }, 20],
    ['a reset with a fraction', { 'x-ratelimit-reset-requests': '8.64s' }, 8640],
    ['a reset that means nothing', { 'x-ratelimit-reset-requests': '-1s' }, undefined],
    [
      'the reset of the limit that is used up',
      {
        'x-ratelimit-remaining-requests': '10',
        'x-ratelimit-reset-requests': '1s',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '3s',
      },
      3000,
    ],
    ['the nearer reset', { 'x-ratelimit-reset-requests': '7m12s', 'x-ratelimit-reset-tokens': '2s' }, 2000],
    ['nothing', {}, undefined],
  ])('[AR-16.5] reads %s', (_what, headers, expected) => {
    expect(askedWaitMs(new Headers(headers), now)).toBe(expected);
  });
});

describe('createRetryWaits', () => {
  it('[AR-16.5] never waits less than the server asked, nor much longer', () => {
    const next = createRetryWaits({ firstDelayMs: 1, maxDelayMs: 10, maxWaitMs: 10_000 });
    for (let i = 0; i < 5; i++) {
      const wait = next(2000);
      expect(wait).toBeGreaterThanOrEqual(2000);
      expect(wait).toBeLessThanOrEqual(2200);
    }
  });

  it('[AR-16.5] grows exponentially up to its limit, with jitter in the upper half', () => {
    const limits = [100, 200, 400, 800, 1000, 1000];
    const longest = limits.map(() => 0);
    for (let request = 0; request < 200; request++) {
      const next = createRetryWaits({ firstDelayMs: 100, maxDelayMs: 1000, maxWaitMs: 1000 });
      limits.forEach((limit, i) => {
        const wait = next() ?? Infinity;
        expect(wait).toBeLessThanOrEqual(limit);
        expect(wait).toBeGreaterThanOrEqual(limit / 2);
        longest[i] = Math.max(longest[i] ?? 0, wait);
      });
    }
    // Of 200 even draws none in the upper quarter has a chance of 2^-200.
    limits.forEach((limit, i) => expect(longest[i]).toBeGreaterThan(0.75 * limit));
  });

  it('[AR-16.5] gives up when the server asks for more than may be waited', () => {
    expect(createRetryWaits({ firstDelayMs: 1, maxDelayMs: 10, maxWaitMs: 1000 })(1001)).toBeUndefined();
  });
});
