import type { TokenUsage } from './llm-client.js';

/** US dollars per million tokens. */
export interface ModelPrice {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

/** By model name, without the date that a snapshot carries. */
export type PriceTable = Readonly<Record<string, ModelPrice>>;

/** OpenAI's standard list prices of 2026; settings override them. */
const listPrices: PriceTable = {
  'gpt-5.4': { input: 2.5, cached: 0.25, output: 15 },
  'gpt-5.4-mini': { input: 0.75, cached: 0.075, output: 4.5 },
  'gpt-5.4-nano': { input: 0.2, cached: 0.02, output: 1.25 },
  'gpt-5.2': { input: 1.75, cached: 0.175, output: 14 },
  'gpt-5.1': { input: 1.25, cached: 0.125, output: 10 },
  'gpt-5': { input: 1.25, cached: 0.125, output: 10 },
  'gpt-5-mini': { input: 0.25, cached: 0.025, output: 2 },
  'gpt-5-nano': { input: 0.05, cached: 0.005, output: 0.4 },
  'gpt-4.1': { input: 2, cached: 0.5, output: 8 },
  'gpt-4.1-mini': { input: 0.4, cached: 0.1, output: 1.6 },
  'gpt-4.1-nano': { input: 0.1, cached: 0.025, output: 0.4 },
  'gpt-4o': { input: 2.5, cached: 1.25, output: 10 },
  'gpt-4o-mini': { input: 0.15, cached: 0.075, output: 0.6 },
  o3: { input: 2, cached: 0.5, output: 8 },
  'o4-mini': { input: 1.1, cached: 0.275, output: 4.4 },
};

/**
 * Price of a call in US dollars.
 *
 * @param models names to look up, the first known one counts
 * @returns null when none is known
 */
export function costOf(
  usage: TokenUsage,
  models: readonly string[],
  overrides: PriceTable = {},
): number | null {
  const table = { ...listPrices, ...overrides };
  const price = models.map((model) => priceOf(model, table)).find((found) => found !== undefined);
  if (!price) return null;
  const fresh = usage.inputTokens - usage.cachedTokens;
  const millionths =
    fresh * price.input + usage.cachedTokens * price.cached + usage.outputTokens * price.output;
  return millionths / 1_000_000;
}

function priceOf(model: string, table: PriceTable): ModelPrice | undefined {
  if (Object.hasOwn(table, model)) return table[model];
  // Only a date may follow: `gpt-5-pro` costs twelve times what `gpt-5` does.
  const undated = model.replace(/-(latest|\d[\d-]*)$/, '');
  return Object.hasOwn(table, undated) ? table[undated] : undefined;
}
