import { reporters, type Reporter } from './test-reporters.js';

/** A failure in a command's output: lines `from` up to, not including, `to`. */
export interface Failure {
  readonly test: string;
  readonly from: number;
  readonly to: number;
}

/** A failure that does not seem to end tells little beyond this; what a test said before it, within the other. */
const mostLines = 5_000;
const mostLinesBefore = 2_000;
const longestName = 200;

/** The failures that known test tools and compilers report, in the order of the output, each once. */
export function findFailingTests(lines: readonly string[]): Failure[] {
  const found = reporters.flatMap((reporter) => failuresOf(reporter, lines));
  const byPlace = found.sort((a, b) => a.from - b.from || b.to - a.to);
  const seen = new Set<string>();
  return byPlace.filter(({ test }) => {
    const isNew = !seen.has(test);
    seen.add(test);
    return isNew;
  });
}

function failuresOf(reporter: Reporter, lines: readonly string[]): Failure[] {
  const present = lines.findIndex((line) => reporter.present.test(line));
  if (present < 0) return [];
  const begun = new Map<string, number>();
  const failures: Failure[] = [];
  for (let index = reporter.after ? present + 1 : 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (reporter.begunBy && line.startsWith(reporter.begunBy)) {
      begun.set(line.slice(reporter.begunBy.length).trim(), index);
    }
    const match = reporter.start.exec(line);
    if (!match) continue;
    const to = endOf(reporter, lines, index);
    if (reporter.echo && lines.slice(index, to).some((inner) => reporter.echo?.test(inner))) continue;
    const name = match[1] ?? line.trim();
    const test = reporter.nameGoesOn ? `${name} ${(lines[index + 1] ?? '').trim()}` : name;
    const from = begun.get(name) ?? index - (reporter.lead ?? 0);
    failures.push({
      test: test.trim().slice(0, longestName),
      from: Math.max(from, index - mostLinesBefore),
      to,
    });
  }
  return failures;
}

function endOf({ start, end, last }: Reporter, lines: readonly string[], from: number): number {
  const limit = Math.min(lines.length, from + mostLines);
  for (let index = from + 1; index < limit; index += 1) {
    const line = lines[index] ?? '';
    if (last?.test(line)) return index + 1;
    if (start.test(line) || end.test(line)) return index;
  }
  return limit;
}
