import { jest } from '@jest/globals';
import { join } from 'node:path';
import { RunnerError } from '@necrocode/contracts';
import { emptyDirectory } from '@necrocode/workspace';
import { hostileRepositories, makeHostile } from './spec-hostile-repositories.js';
import { SpecRounds, type PlayedRounds } from './spec-rounds.js';
import { Surroundings } from './spec-surroundings.js';

jest.setTimeout(120_000);

const answer = {
  code_changes: [
    { file_path: 'a.txt', operation: 'modify', content: 'b\n' } as const,
    { file_path: 'made/new.txt', operation: 'create', content: 'n\n' } as const,
  ],
};

describe(`[AR-2.4] ${hostileRepositories.length} hostile repositories change nothing around the workspace, and an honest task on them ends as it should`, () => {
  const surroundings = new Surroundings();
  const homeBefore = process.env.HOME;
  let count = 0;

  beforeAll(() => (process.env.HOME = surroundings.home));
  afterAll(() => (process.env.HOME = homeBefore));

  it.each(hostileRepositories.map((row) => [row.what, row] as const))('%s', async (_what, row) => {
    const before = surroundings.look();
    const remote = makeHostile(row);
    const slot = surroundings.slot((count += 1));
    expect(await endOf(SpecRounds.at(remote).play([answer], { budget: { max_rounds: 1 }, slot }))).toBe(
      row.end,
    );
    expect(surroundings.look()).toEqual(before);
    // Deeper than a path can be, so that nothing else could remove it.
    await emptyDirectory(join(slot, 'tree'));
  });
});

async function endOf(playing: Promise<PlayedRounds>): Promise<string> {
  try {
    const { error, change } = await playing;
    return error?.code ?? (change ? 'done' : 'nothing');
  } catch (error) {
    return RunnerError.from(error).code;
  }
}
