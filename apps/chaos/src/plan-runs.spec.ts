import { faultPoints, faultsAt, formatPlace, pointNames } from './fault-points.js';
import { planRuns, type PlanOptions } from './plan-runs.js';

const options: PlanOptions = { runs: 300, seed: 'spec', naive: false, points: [], kinds: [], impossible: [] };

describe('planRuns', () => {
  it('[AR-8.3] gives the same plan for the same seed, and another for another', () => {
    expect(planRuns(options)).toEqual(planRuns(options));
    expect(planRuns({ ...options, seed: 'other' }).map(({ fault }) => fault)).not.toEqual(
      planRuns(options).map(({ fault }) => fault),
    );
  });

  it('[AR-8.3] strikes every point with KILL and with STOP, at more than twenty points', () => {
    const places = pointNames
      .filter((point) => point !== 'result')
      .flatMap((point) => faultsAt(point, false));
    const planned = new Set(planRuns(options).map(({ fault }) => `${formatPlace(fault)} ${fault.kind}`));
    for (const kind of ['KILL', 'STOP'] as const) {
      const wanted = places
        .filter((fault) => fault.kind === kind)
        .map((fault) => `${formatPlace(fault)} ${kind}`);
      expect(wanted.length).toBeGreaterThan(20);
      expect(wanted.filter((name) => !planned.has(name))).toEqual([]);
    }
  });

  it('[AR-8.3] keeps to the points and faults that are asked for and possible', () => {
    const plan = planRuns({
      ...options,
      points: ['decide.after', 'push'],
      kinds: ['STOP', 'DISK_FULL'],
      impossible: ['DISK_FULL'],
    });
    const cells = new Set(plan.map(({ fault }) => `${formatPlace(fault)} ${fault.kind}`));
    expect([...cells].sort()).toEqual(['decide.after STOP', 'push.after STOP', 'push.before STOP']);
  });

  it('[AR-8.3] says which point is unknown', () => {
    expect(() => planRuns({ ...options, points: ['decide', 'nowhere'] })).toThrow('no such point: nowhere');
  });

  it('[AR-8.3] leads a task to the points that only a second attempt meets', () => {
    const plan = planRuns({ ...options, points: ['download_bundle'], kinds: ['KILL'], runs: 2 });
    expect(plan.map(({ prelude }) => prelude)).toEqual([
      { point: 'decide', phase: 'after', kind: 'KILL' },
      { point: 'decide', phase: 'after', kind: 'KILL' },
    ]);
  });

  it('[AR-8.3] plans nothing for a naive runner at services that it does not know', () => {
    const points = new Set(planRuns({ ...options, naive: true }).map(({ fault }) => fault.point));
    const known = pointNames.filter((point) => 'naive' in faultPoints[point]);
    expect([...points].sort()).toEqual([...known].sort());
  });
});
