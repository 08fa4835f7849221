import { jest } from '@jest/globals';
import { join } from 'node:path';
import { tempDir } from '@necrocode/testkit';
import { evaluate } from './evaluate.js';
import type { CaseReport } from './run-case.js';

jest.setTimeout(60_000);

const corpus = join(import.meta.dirname, '../../../../eval/corpus');

describe('the corpus', () => {
  let reports: readonly CaseReport[];
  const kind = (name: string) => reports.filter((report) => report.kind === name);

  beforeAll(async () => {
    reports = await evaluate(corpus, tempDir());
  });

  it('[AR-3.3] has no edit applied in a wrong place', () => {
    expect(reports.length).toBeGreaterThanOrEqual(200);
    expect(reports.filter(({ verdict }) => verdict === 'wrong_place')).toEqual([]);
  });

  it('[AR-3.3] has every perfect edit applied exactly, in both formats', () => {
    const perfect = kind('none');
    expect(new Set(perfect.map(({ format }) => format))).toEqual(new Set(['json', 'blocks']));
    expect(perfect.filter(({ verdict }) => verdict !== 'exact')).toEqual([]);
  });

  it.each(['trailing_space', 'line_endings', 'indentation', 'tabs'])('[AR-3.3] has %s recovered', (name) => {
    const right = kind(name).filter((report) => report.right).length;
    expect(right / kind(name).length).toBeGreaterThanOrEqual(0.95);
  });

  it.each(['elided_search', 'elided_replace', 'duplicated_anchor'])('[AR-3.7] has %s refused', (name) => {
    expect(kind(name).filter((report) => !report.right)).toEqual([]);
  });
});
