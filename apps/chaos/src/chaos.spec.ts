import { jest } from '@jest/globals';
import { rmSync } from 'node:fs';
import { tempDir } from '@necrocode/testkit';
import { describeOutcome, type RunOutcome } from './execute-runs.js';
import type { FaultKind } from './fault-points.js';
import { runLane } from './lane.js';
import type { NaiveKind } from './naive-stack.js';
import { planRuns, type PlannedRun } from './plan-runs.js';
import { forgetUserServers } from './process-environment.js';
import { columns, type Column } from './violations.js';

jest.setTimeout(600_000);

beforeAll(() => forgetUserServers());

/** Each point with each kind once, in an order that the seed decides. */
function runsAt(points: readonly string[], kinds: readonly FaultKind[], naive = false): PlannedRun[] {
  const options = { seed: 'spec', naive, points, kinds, impossible: [] };
  return planRuns({ ...options, runs: points.length * kinds.length });
}

async function inLane(name: string, runs: readonly PlannedRun[], naive?: NaiveKind): Promise<RunOutcome[]> {
  const workDir = tempDir('necrocode-chaos-');
  try {
    const job = { name, runs, naive, workDir, smallDisk: undefined };
    return await runLane(job, () => undefined, new AbortController().signal);
  } finally {
    // At once, since a worker of Jest may end without telling.
    rmSync(workDir, { recursive: true, force: true });
  }
}

const found = (outcomes: readonly RunOutcome[]) =>
  outcomes.flatMap((outcome) =>
    outcome.violations.map(({ column, what }) => `${column}: ${describeOutcome(outcome)}: ${what}`),
  );

describe('the runner', () => {
  it('[AR-8.3] loses nothing and does nothing twice when it is killed, stopped or cut off anywhere', async () => {
    const struck = [
      'claim.after',
      'checkpoint_answer.before',
      'decide.after',
      'push.after',
      'report.after',
      'ack.before',
    ];
    const outcomes = await inLane('struck', [
      ...runsAt(struck, ['KILL']),
      ...runsAt(['upload_answer.after', 'pre_receive.during', 'report.before'], ['STOP']),
      ...runsAt(['decide.after'], ['DROP', 'DELAY', 'KILL_NATS', 'KILL_SERVICE', 'DUPLICATE']),
    ]);
    expect(found(outcomes)).toEqual([]);
    expect(outcomes.filter(({ struck: did }) => !did).map(describeOutcome)).toEqual([]);
    expect(outcomes.map(({ state }) => state)).toEqual(outcomes.map(() => 'done'));
  });
});

describe('the suite', () => {
  it('[AR-8.3] sees everything that goes wrong with naive runners', async () => {
    const first = await inLane(
      'ack-first',
      runsAt(['tests.during', 'push.before'], ['KILL'], true),
      'ack-first',
    );
    const late = await inLane(
      'ack-late',
      runsAt(['push_refs.before', 'post_receive.during', 'result.after', 'ack.before'], ['KILL'], true),
      'ack-late',
    );
    const seen = new Set(
      [...first, ...late].flatMap(({ violations }) => violations.map(({ column }) => column)),
    );
    const promised: readonly Column[] = columns.filter((column) => column !== 'untrue results');
    expect(promised.filter((column) => !seen.has(column))).toEqual([]);
  });
});
