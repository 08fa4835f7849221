import { upperBound } from './confidence.js';
import { faultKinds, faultPoints, pointNames } from './fault-points.js';
import type { Tally } from './tally.js';
import { columns } from './violations.js';

/** The report on all systems, side by side, as Markdown. */
export function renderReport(tallies: readonly Tally[]): string {
  const parts = [
    '# Chaos report',
    intro,
    '## What was violated',
    'Runs with at least one violation, and in brackets the upper bound of the share of such runs at 95 % confidence (Clopper-Pearson; for none of n runs it is 1 − 0.05^(1/n)).',
    violationTable(tallies),
    ...tallies.flatMap(chapter),
  ];
  return `${parts.join('\n\n')}\n`;
}

const intro = `Made by \`npm run chaos\`. A run is one task with one planned fault at one point; it counts only when the fault has struck. Two runners with three tasks each are served by one stack, so a fault that is meant for one task hits others as well. After the runs of a stack everything is looked at from outside: registry, remote (every movement of a branch, by its hook), pool, result stream, and the model's endpoint. A call of the model is in flight until its answer is stored or used; a call for an answer that was is a repeated one.`;

function violationTable(tallies: readonly Tally[]): string {
  const rows = tallies.map(({ system, runs, found }) => [
    system,
    String(runs),
    ...columns.map((column) => `${found[column]} (${percent(upperBound(found[column], runs))})`),
  ]);
  return table(['system', 'runs', ...columns], rows);
}

function percent(share: number): string {
  return `≤ ${(share * 100).toPrecision(2)} %`;
}

function chapter(tally: Tally): string[] {
  const { system, command, date, seconds, runs, missed, states, attempts, llmCalls, violations } = tally;
  const endings = Object.entries(states).map(([state, count]) => `${count} ${state}`);
  const shown = violations.slice(0, longestList);
  const more = violations.length - shown.length;
  return [
    `## ${system[0]?.toUpperCase()}${system.slice(1)}`,
    `\`${command}\`, ${date}: ${runs} runs in ${Math.round(seconds / 60)} min; tasks ended ${endings.join(', ')}; ${attempts} attempts, ${llmCalls} calls of the model. ${missed} more runs found their point passed by and are not counted.`,
    cellTable(tally),
    ...(violations.length > 0
      ? [[...shown.map((line) => `- ${line}`), ...(more > 0 ? [`- … and ${more} more`] : [])].join('\n')]
      : []),
  ];
}

const longestList = 20;

/** Points × faults: runs, and where there were any, violations. */
function cellTable({ cells }: Tally): string {
  const kinds = faultKinds.filter((kind) => cells.some((cell) => cell.kind === kind));
  const places = pointNames.flatMap((point) => faultPoints[point].phases.map((phase) => `${point}.${phase}`));
  const rows = places
    .filter((place) => cells.some((cell) => cell.place === place))
    .map((place) => [
      place,
      ...kinds.map((kind) => {
        const cell = cells.find((one) => one.place === place && one.kind === kind);
        if (!cell) return '';
        return cell.violations > 0 ? `${cell.runs} (${cell.violations} ✗)` : String(cell.runs);
      }),
    ]);
  return table(['point', ...kinds], rows);
}

/** Padded, as Prettier wants it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
