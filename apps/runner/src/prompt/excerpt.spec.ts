import { estimateTokens } from '@necrocode/llm';
import { excerptOf } from './excerpt.js';

const text = Array.from({ length: 500 }, (_, at) => (at % 5 === 0 ? '  }' : `  line ${at}`)).join('\n');

describe('excerptOf', () => {
  it('[AR-3.7] gives what fits as it is', () => {
    expect(excerptOf(text, [], estimateTokens(text))).toBe(text);
  });

  it('[AR-3.7] gives the lines around those that are looked for, within the budget', () => {
    const excerpt = excerptOf(text, ['line 321\nelsewhere\n}'], 100);
    expect(estimateTokens(excerpt)).toBeLessThanOrEqual(100);
    expect(excerpt).toMatch(
      /^\[… \d+ lines left out …\]\n[^]*\n {2}line 321\n[^]*\[… \d+ lines left out …\]$/,
    );
  });

  it('[AR-3.7] gives the beginning where nothing is found', () => {
    expect(excerptOf(text, ['nowhere'], 100)).toMatch(/^ {2}\}\n {2}line 1\n[^]*left out …\]$/);
  });
});
