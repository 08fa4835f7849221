import { showBytes, showCost, showDuration } from './units.js';

describe('units', () => {
  it.each([
    [0, '0 ms'],
    [850, '850 ms'],
    [999.7, '1.0 s'],
    [12_345, '12.3 s'],
    [59_970, '1 min 00 s'],
    [245_000, '4 min 05 s'],
    [3_600_000, '1 h 00 min'],
    [5 * 86_400_000, '5 d'],
  ])('[AR-7.2] shows %p ms as %p', (ms, text) => expect(showDuration(ms)).toBe(text));

  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_536, '1.5 KiB'],
    [20 * 1024 ** 2, '20 MiB'],
  ])('[AR-6.4] shows %p bytes as %p', (bytes, text) => expect(showBytes(bytes)).toBe(text));

  it.each([
    [0.0123, '$0.0123'],
    [1.5, '$1.50'],
  ])('[AR-7.2] shows %p dollars as %p', (usd, text) => expect(showCost(usd)).toBe(text));
});
