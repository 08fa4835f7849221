import {
  faultPoints,
  faultsAt,
  formatPlace,
  pointNames,
  preludeTo,
  type FaultKind,
  type PlannedFault,
} from './fault-points.js';
import { Random } from './random.js';

/** One task and the fault that is to strike it. */
export interface PlannedRun {
  /** `<seed of the suite>:<number>`: decides everything about the run that is left to chance. */
  readonly seed: string;
  /** What has to strike first, so that the fault is met at all. */
  readonly prelude: PlannedFault | undefined;
  readonly fault: PlannedFault;
}

export interface PlanOptions {
  readonly runs: number;
  readonly seed: string;
  readonly naive: boolean;
  /** Names of points, also with a phase; empty: all of them. */
  readonly points: readonly string[];
  /** Empty: all of them. */
  readonly kinds: readonly FaultKind[];
  /** Faults that this machine cannot bring about. */
  readonly impossible: readonly FaultKind[];
}

/** Of these every turn holds all points; of the others it holds this many. */
const always: ReadonlySet<FaultKind> = new Set(['KILL', 'STOP']);
const othersPerTurn = 90;

/**
 * The runs, in turns: each turn has every point with KILL and with STOP once and a share of the other
 * faults, in an order that the seed decides. The same options give the same plan.
 *
 * @throws Error when a point is unknown or nothing is left to choose from
 */
export function planRuns({ runs, seed, naive, points, kinds, impossible }: PlanOptions): PlannedRun[] {
  const unknown = points.filter((name) => !((name.split('.')[0] as string) in faultPoints));
  if (unknown.length > 0)
    throw new Error(`no such point: ${unknown.join(', ')}; there are ${pointNames.join(', ')}`);
  const cells = pointNames
    .flatMap((point) => faultsAt(point, naive))
    .filter(
      (fault) => points.length === 0 || points.includes(fault.point) || points.includes(formatPlace(fault)),
    )
    .filter(({ kind }) => (kinds.length === 0 || kinds.includes(kind)) && !impossible.includes(kind));
  if (cells.length === 0) throw new Error('no fault is left to plan');
  const random = new Random(`${seed}/plan`);
  const plan: PlannedFault[] = [];
  let others: PlannedFault[] = [];
  const rest = cells.filter(({ kind }) => !always.has(kind));
  while (plan.length < runs) {
    if (others.length === 0) others = random.shuffled(rest);
    const turn = [...cells.filter(({ kind }) => always.has(kind)), ...others.splice(0, othersPerTurn)];
    plan.push(...random.shuffled(turn));
  }
  return plan
    .slice(0, runs)
    .map((fault, index) => ({ seed: `${seed}:${index + 1}`, prelude: preludeTo(fault.point), fault }));
}
