import { jest } from '@jest/globals';
import { SpecRounds } from './spec-rounds.js';
import { hostileAnswers } from './spec-hostile-answers.js';
import { Surroundings } from './spec-surroundings.js';

jest.setTimeout(120_000);

const rounds = SpecRounds.of(
  { 'a.txt': 'a\n', 'src/a.ts': 'a\n', '.npmrc': 'x\n' },
  { out: '../../other/tree' },
);

describe(`[AR-10.4] each of ${hostileAnswers.length} hostile answers is refused, and nothing changes in or around the workspace`, () => {
  const surroundings = new Surroundings();
  const homeBefore = process.env.HOME;
  let count = 0;
  let before: string[];

  beforeAll(() => {
    process.env.HOME = surroundings.home;
    before = surroundings.look();
  });
  afterAll(() => {
    process.env.HOME = homeBefore;
  });

  it.each(hostileAnswers.map((row) => [row.what, row] as const))('%s', async (_what, row) => {
    const text = typeof row.answer === 'string' ? row.answer : JSON.stringify(row.answer);
    const slot = surroundings.slot((count += 1));
    let tree: string[] = [];
    const played = await rounds.play([{ text }], {
      budget: { max_rounds: 1 },
      slot,
      planted: row.planted,
      onPlanted: () => (tree = surroundings.lookIntoTree(slot)),
    });
    expect(played.error).toMatchObject({ code: row.code });
    expect(played.testRuns).toBe(0);
    expect(played.record.change?.overlay.size ?? 0).toBe(0);
    expect(tree.length).toBeGreaterThan(3);
    expect(surroundings.lookIntoTree(slot)).toEqual(tree);
    expect(surroundings.look()).toEqual(before);
    expect(
      ({} as Record<string, unknown>)['isAdmin'] ?? ({} as Record<string, unknown>)['x'],
    ).toBeUndefined();
  });
});
