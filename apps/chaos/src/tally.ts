import { z } from 'zod';
import { describeOutcome, type RunOutcome } from './execute-runs.js';
import { formatPlace } from './fault-points.js';
import { columns, type Column } from './violations.js';

const counts = z.record(z.string(), z.number());

/** What a suite has found about one system, as it is kept. */
export const tallySchema = z.object({
  system: z.string(),
  command: z.string(),
  date: z.string(),
  seconds: z.number(),
  /** Runs whose fault has struck. */
  runs: z.number(),
  /** Runs whose fault found its point passed by in every try; they count nowhere else. */
  missed: z.number(),
  /** Runs with at least one violation, by column. */
  found: z.record(z.enum(columns), z.number()),
  /** Runs and violations by place and fault. */
  cells: z.array(z.object({ place: z.string(), kind: z.string(), runs: z.number(), violations: z.number() })),
  /** Runs by the state that their task ended in. */
  states: counts,
  attempts: z.number(),
  llmCalls: z.number(),
  violations: z.array(z.string()),
});
export type Tally = z.infer<typeof tallySchema>;

/** Adds up outcomes as they come. */
export class Tallying {
  private readonly outcomes: RunOutcome[] = [];
  private readonly startedAt = Date.now();

  constructor(
    private readonly system: string,
    private readonly command: string,
  ) {}

  add(outcome: RunOutcome): void {
    this.outcomes.push(outcome);
  }

  get tally(): Tally {
    const counted = this.outcomes.filter(({ struck, violations }) => struck || violations.length > 0);
    return {
      system: this.system,
      command: this.command,
      date: new Date(this.startedAt).toISOString().slice(0, 10),
      seconds: Math.round((Date.now() - this.startedAt) / 1000),
      runs: counted.length,
      missed: this.outcomes.length - counted.length,
      found: Object.fromEntries(columns.map((column) => [column, having(counted, column)])) as Record<
        Column,
        number
      >,
      cells: cellsOf(counted),
      states: Object.fromEntries(
        [...Map.groupBy(counted, endingOf)].map(([ending, those]) => [ending, those.length]).sort(),
      ) as Record<string, number>,
      attempts: counted.reduce((sum, { attempts }) => sum + attempts, 0),
      llmCalls: counted.reduce((sum, { llmCalls }) => sum + llmCalls, 0),
      violations: counted.flatMap((outcome) =>
        outcome.violations.map(({ column, what }) => `${column}: ${describeOutcome(outcome)}: ${what}`),
      ),
    };
  }
}

/** Both suites together; of the same system, with seeds of their own. */
export function sumTallies(before: Tally, after: Tally): Tally {
  const cells = new Map(before.cells.map((cell) => [`${cell.place} ${cell.kind}`, cell]));
  for (const cell of after.cells) {
    const name = `${cell.place} ${cell.kind}`;
    const { runs = 0, violations = 0 } = cells.get(name) ?? {};
    cells.set(name, { ...cell, runs: runs + cell.runs, violations: violations + cell.violations });
  }
  return {
    ...after,
    command: `${before.command}; ${after.command}`,
    date: before.date === after.date ? after.date : `${before.date}, ${after.date}`,
    seconds: before.seconds + after.seconds,
    runs: before.runs + after.runs,
    missed: before.missed + after.missed,
    found: sumCounts(before.found, after.found),
    cells: [...cells.values()],
    states: sumCounts(before.states, after.states),
    attempts: before.attempts + after.attempts,
    llmCalls: before.llmCalls + after.llmCalls,
    violations: [...before.violations, ...after.violations],
  };
}

function sumCounts(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return Object.fromEntries(names.map((name) => [name, (before[name] ?? 0) + (after[name] ?? 0)]));
}

function having(outcomes: readonly RunOutcome[], column: Column): number {
  return outcomes.filter(({ violations }) => violations.some((violation) => violation.column === column))
    .length;
}

function endingOf({ state, errorCode }: RunOutcome): string {
  return errorCode ? `${state ?? 'none'} (${errorCode})` : (state ?? 'none');
}

function cellsOf(outcomes: readonly RunOutcome[]): Tally['cells'] {
  const groups = Map.groupBy(outcomes, ({ run: { fault } }) => `${formatPlace(fault)} ${fault.kind}`);
  return [...groups].map(([name, those]) => {
    const [place = '', kind = ''] = name.split(' ');
    return {
      place,
      kind,
      runs: those.length,
      violations: those.filter(({ violations }) => violations.length > 0).length,
    };
  });
}
