import { WholeLines } from './whole-lines.js';

function collect(...chunks: string[]): string[] {
  const passed: string[] = [];
  const lines = new WholeLines((text) => passed.push(text));
  chunks.forEach((chunk) => lines.add(chunk));
  lines.end();
  return passed;
}

describe('WholeLines', () => {
  it('[AR-10.5] passes on whole lines, however they were cut', () => {
    expect(collect('one tok', 'en\ntwo', '\nthree')).toEqual(['one token\n', 'two\n', 'three']);
  });

  it('[AR-11.3] bounds a line that does not end', () => {
    const passed = collect(...Array.from({ length: 40 }, () => 'x'.repeat(4_096)));
    expect(Math.max(...passed.map((text) => text.length))).toBeLessThan(70_000);
    expect(passed.join('')).toHaveLength(40 * 4_096);
  });
});
