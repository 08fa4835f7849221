import { upperBound } from './confidence.js';

describe('upperBound', () => {
  it('[AR-8.3] is 1 − 0.05^(1/n) for none of n', () => {
    for (const runs of [1, 20, 3_000]) expect(upperBound(0, runs)).toBeCloseTo(1 - 0.05 ** (1 / runs), 7);
  });

  it('[AR-8.3] is what tables say for some of n', () => {
    expect(upperBound(1, 20)).toBeCloseTo(0.2161, 4);
    expect(upperBound(5, 50)).toBeCloseTo(0.1988, 4);
    expect(upperBound(20, 20)).toBe(1);
  });
});
