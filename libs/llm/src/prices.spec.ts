import { costOf } from './prices.js';

const usage = { inputTokens: 1_000_000, cachedTokens: 400_000, outputTokens: 100_000 };

describe('costOf', () => {
  it('[AR-16.4] prices fresh, cached and answered tokens each at their own rate', () => {
    expect(costOf(usage, ['gpt-4o'])).toBeCloseTo(0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10, 9);
  });

  it('[AR-16.4] knows a dated snapshot by the name of its model', () => {
    expect(costOf(usage, ['gpt-4o-2024-08-06'])).toBe(costOf(usage, ['gpt-4o']));
    expect(costOf(usage, ['gpt-4o-mini-2024-07-18'])).toBe(costOf(usage, ['gpt-4o-mini']));
  });

  it.each([['gpt-5-pro'], ['gpt-4o-audio-preview'], ['llama3'], ['constructor'], ['']])(
    '[AR-16.4] gives no price to %p, which only resembles a known model or none',
    (model) => expect(costOf(usage, [model])).toBeNull(),
  );

  it('[AR-16.4] takes prices from settings first', () => {
    const prices = {
      'gpt-4o': { input: 1, cached: 0, output: 0 },
      llama3: { input: 0, cached: 0, output: 0 },
    };
    expect(costOf(usage, ['gpt-4o'], prices)).toBeCloseTo(0.6, 9);
    expect(costOf(usage, ['llama3'], prices)).toBe(0);
  });

  it('[AR-16.4] falls back from the asked name to the answered one', () => {
    expect(costOf(usage, ['my-deployment', 'gpt-4o'])).toBe(costOf(usage, ['gpt-4o']));
  });
});
