import { estimateTokens } from '@necrocode/llm';
import { cleanOutput } from './clean-output.js';
import { findFailingTests, type Failure } from './failing-tests.js';
import { charactersPerToken, LineSelection } from './line-selection.js';

export interface Evidence {
  /** For the model: the names of the failing tests where they are known, then the output. */
  readonly text: string;
  readonly failingTests: readonly string[];
  /** How many lines (of the cleaned output) the text leaves out. */
  readonly linesLeftOut: number;
}

/** What usually stands at or near the reason of a failure. */
const telling =
  /\b(?:assert|expected|received|actual|error|exception|traceback|panic|panicked|fail|failed|failure|fatal|undefined|cannot|not ok)\b|[a-z]Error\b|[a-z]Exception\b|AssertionError|^E {2,}|^\s*[+-] |✖|✗|●/i;

/** Shares of the room, in the order in which they are given out; what one leaves the next may use. */
const shares = { reasons: 0.6, edges: 0.75, failures: 0.9 };
/** Lines around a telling line. */
const context = 2;

/**
 * A failing command's output within a token budget, so that the failing assertion survives: the reasons
 * inside the failures that a known test tool reports, head and tail, the rest of the failures, and the
 * lines around other telling ones. Lines keep their order; every gap is marked with its size.
 */
export function trimEvidence(output: string, maxTokens: number): Evidence {
  const lines = cleanOutput(output);
  const failures = findFailingTests(lines);
  const failingTests = failures.map(({ test }) => test);
  const heading = headingOf(failingTests, Math.floor(maxTokens * charactersPerToken * 0.2));
  const whole = lines.join('\n');
  if (estimateTokens(heading + whole) <= maxTokens) {
    return { text: heading + whole, failingTests, linesLeftOut: 0 };
  }
  const room = Math.max(0, maxTokens * charactersPerToken - heading.length);
  const chosen = new LineSelection(lines, room);
  chooseReasons(chosen, failures, room * shares.reasons);
  chooseEdges(chosen, room * shares.edges);
  for (const { from, to } of failures) chosen.takeRange(from, to, room * shares.failures);
  chooseTelling(chosen, 0, lines.length, room * shares.failures);
  chooseEdges(chosen, room);
  return { text: heading + chosen.render(), failingTests, linesLeftOut: chosen.leftOut };
}

function headingOf(tests: readonly string[], maxLength: number): string {
  if (tests.length === 0) return '';
  let list = '';
  let listed = 0;
  for (const test of tests) {
    if (list.length + test.length + 3 > maxLength) break;
    list += `- ${test}\n`;
    listed += 1;
  }
  const more = tests.length > listed ? `- … and ${tests.length - listed} more\n` : '';
  return `Failing tests (${tests.length}):\n${list}${more}\n`;
}

/** Each failure its fair part, so that the first does not use up what all need. */
function chooseReasons(chosen: LineSelection, failures: readonly Failure[], limit: number): void {
  for (const [index, { from, to }] of failures.entries()) {
    const part = chosen.used + (limit - chosen.used) / (failures.length - index);
    chosen.takeRange(from, Math.min(from + 2, to), part);
    chooseTelling(chosen, from, to, part);
    chosen.takeRange(from, to, part);
  }
}

function chooseTelling(chosen: LineSelection, from: number, to: number, limit: number): void {
  for (let index = from; index < to; index += 1) {
    if (!telling.test(chosen.lines[index] ?? '')) continue;
    chosen.takeRange(Math.max(from, index - context), Math.min(to, index + context + 1), limit);
    if (chosen.used >= limit) return;
  }
}

/** The last lines, where summaries stand, and half as many of the first. */
function chooseEdges(chosen: LineSelection, limit: number): void {
  const { length } = chosen.lines;
  for (let step = 0; step < length && chosen.used < limit; step += 1) {
    const tail = chosen.take(length - 1 - step, limit);
    const head = step % 2 === 0 && chosen.take(step / 2, limit);
    if (!tail && !head) return;
  }
}
