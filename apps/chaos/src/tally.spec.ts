import { sumTallies, type Tally } from './tally.js';
import { columns } from './violations.js';

function tally(more: Partial<Tally>): Tally {
  return {
    system: 'the runner',
    command: 'npm run chaos -- --seed 1',
    date: '2030-01-01',
    seconds: 60,
    runs: 2,
    missed: 1,
    found: Object.fromEntries(columns.map((column) => [column, 0])) as Tally['found'],
    cells: [{ place: 'decide.after', kind: 'KILL', runs: 2, violations: 0 }],
    states: { done: 2 },
    attempts: 4,
    llmCalls: 3,
    violations: [],
    ...more,
  };
}

describe('sumTallies', () => {
  it('[AR-8.3] counts the runs of both suites, cell by cell, and loses no violation', () => {
    const [column] = columns;
    const second = tally({
      command: 'npm run chaos -- --seed 2 --add',
      runs: 3,
      found: { ...tally({}).found, [column]: 1 },
      cells: [
        { place: 'decide.after', kind: 'KILL', runs: 1, violations: 1 },
        { place: 'push.before', kind: 'STOP', runs: 2, violations: 0 },
      ],
      states: { done: 2, failed: 1 },
      violations: ['lost'],
    });
    expect(sumTallies(tally({}), second)).toEqual({
      ...tally({}),
      command: 'npm run chaos -- --seed 1; npm run chaos -- --seed 2 --add',
      seconds: 120,
      runs: 5,
      missed: 2,
      found: { ...tally({}).found, [column]: 1 },
      cells: [
        { place: 'decide.after', kind: 'KILL', runs: 3, violations: 1 },
        { place: 'push.before', kind: 'STOP', runs: 2, violations: 0 },
      ],
      states: { done: 4, failed: 1 },
      attempts: 8,
      llmCalls: 6,
      violations: ['lost'],
    });
  });
});
