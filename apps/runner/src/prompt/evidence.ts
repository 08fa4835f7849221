import { estimateTokens } from '@necrocode/llm';
import { cleanOutput } from './clean-output.js';
import { findFailingTests, type Failure } from './failing-tests.js';
import { charactersPerToken, LineSelection } from './line-selection.js';
import { spread, TellingLines } from './telling-lines.js';

export interface Evidence {
  /** For the model: the names of the failing tests where they are known, then the output. */
  readonly text: string;
  readonly failingTests: readonly string[];
  /** How many lines (of the cleaned output) the text leaves out. */
  readonly linesLeftOut: number;
}

/** Shares of the room: no kind of lines has more until each had its own. */
const shares = { head: 0.06, tail: 0.12, failures: 0.4, unlike: 0.15, worded: 0.15, repeated: 0.05 };
/** Of its share, what goes to the lines themselves before those around them. */
const linesFirst = 0.7;
/** Lines around a telling line: first a little of all, then more. */
const contexts = [2, 6];
/** Head and tail have no more than this even where nothing else is left: it would be noise. */
const mostEdges = 0.4;
/** More failures than this have no room for anything but their names. */
const mostFailures = 200;

/**
 * A failing command's output within a token budget, so that the failing assertion survives: head and tail,
 * the failures that a known test tool reports, lines that are unlike the others, those with words of failure,
 * and what stands around them. Lines keep their order; every gap is marked with its size.
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
  choose(chosen, room, spread(failures).slice(0, mostFailures));
  return { text: heading + chosen.render(), failingTests, linesLeftOut: chosen.leftOut };
}

function choose(chosen: LineSelection, room: number, failures: readonly Failure[]): void {
  const { length } = chosen.lines;
  const telling = new TellingLines(chosen.lines);
  const unlike = telling.unlike(0, length);
  const worded = telling.worded(0, length);
  chosen.takeEach(fromEnd(length), chosen.used + room * shares.tail);
  chosen.takeRange(0, length, chosen.used + room * shares.head);
  chooseFailures(chosen, telling, failures, room * shares.failures);
  chooseTelling(chosen, unlike, room * shares.unlike);
  chooseTelling(chosen, worded, room * shares.worded);
  chooseTelling(chosen, telling.repeated(0, length), room * shares.repeated);
  // What the ones have not used the others may, in the same order.
  chooseFailures(chosen, telling, failures, (room - chosen.used) / 2);
  chooseTelling(chosen, worded, (room - chosen.used) / 2);
  chooseTelling(chosen, unlike, room - chosen.used);
  const edges = room * Math.max(0, mostEdges - shares.head - shares.tail);
  chosen.takeEach(fromEnd(length), chosen.used + (edges * 2) / 3);
  chosen.takeRange(0, length, chosen.used + edges / 3);
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

/** Each failure its fair part of the room, so that the first does not use up what all need. */
function chooseFailures(
  chosen: LineSelection,
  telling: TellingLines,
  failures: readonly Failure[],
  room: number,
): void {
  const limit = chosen.used + room;
  for (const [index, { from, to }] of failures.entries()) {
    const part = (limit - chosen.used) / (failures.length - index);
    const end = chosen.used + part;
    if (chosen.costOf(from, to, part) < part) {
      chosen.takeRange(from, to, end);
      continue;
    }
    chosen.takeRange(from, Math.min(from + 2, to), end);
    chooseTelling(chosen, telling.worded(from, to), (end - chosen.used) * linesFirst);
    chooseTelling(chosen, telling.unlike(from, to), (end - chosen.used) * linesFirst);
    chooseTelling(chosen, telling.repeated(from, to), (end - chosen.used) * linesFirst);
    chosen.takeRange(from, to, end);
  }
}

function chooseTelling(chosen: LineSelection, indices: readonly number[], room: number): void {
  const limit = chosen.used + room;
  const taken = chosen.takeEach(indices, chosen.used + room * linesFirst);
  for (const context of contexts) {
    for (const index of taken) chosen.takeRange(index - context, index + context + 1, limit);
  }
  chosen.takeEach(indices, limit);
}

function fromEnd(length: number): Iterable<number> {
  return Array.from({ length }, (_, step) => length - 1 - step);
}
