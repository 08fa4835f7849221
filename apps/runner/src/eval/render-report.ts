import type { CaseReport, Verdict } from './run-case.js';

const verdicts: readonly Verdict[] = ['exact', 'recovered', 'refused', 'wrong_place'];

/** Tables by kind of perturbation, by layer and by format, and what went wrong. */
export function renderReport(reports: readonly CaseReport[]): string {
  const wrong = reports.filter(({ right }) => !right);
  return [
    table('kind', reports, ({ kind }) => kind),
    table('layer', reports, ({ layer }) => layer ?? '(none)'),
    table('format', reports, ({ format }) => format),
    `rounds ${sum(reports.map(({ rounds }) => rounds))}, tokens of the answers ${sum(reports.map(({ tokens }) => tokens))}`,
    ...(wrong.length > 0 ? ['', `not as expected: ${wrong.length}`] : []),
    ...wrong
      .slice(0, 20)
      .map(
        ({ name, verdict, reason }) => `  ${name}: ${verdict}${reason ? ` (${reason.slice(0, 160)})` : ''}`,
      ),
    '',
  ].join('\n');
}

function table(title: string, reports: readonly CaseReport[], by: (report: CaseReport) => string): string {
  const groups = [...Map.groupBy(reports, by), ['all', reports] as const];
  const width = Math.max(title.length, ...groups.map(([name]) => name.length));
  const header = `${title.padEnd(width)}  ${verdicts.map((verdict) => verdict.replace('_', ' ').padStart(11)).join(' ')}       cases  as expected`;
  const rows = groups.map(([name, group]) => {
    const counts = verdicts.map((verdict) =>
      String(group.filter((report) => report.verdict === verdict).length).padStart(11),
    );
    const right = group.filter((report) => report.right).length;
    const share = `${((100 * right) / Math.max(group.length, 1)).toFixed(1)} %`;
    return `${name.padEnd(width)}  ${counts.join(' ')} ${String(group.length).padStart(11)} ${share.padStart(12)}`;
  });
  return `${[header, ...rows].join('\n')}\n`;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
