import type { Edit } from '@necrocode/contracts';

/** For specs: one change of a file, with the lines around it that its edit shows. */
export interface EditCase {
  /** Lines of the file, without their breaks. */
  readonly lines: readonly string[];
  /** The first row that the change replaces, from 0, and how many it replaces. */
  readonly at: number;
  readonly deleted: number;
  readonly inserted: readonly string[];
  /** How many lines the edit shows before and after them. */
  readonly before: number;
  readonly after: number;
}

/** An edit as a model may give it. `expected` is undefined where it has to be refused. */
export interface PerturbedEdit {
  readonly text: string;
  readonly edit: Edit;
  readonly expected: string | undefined;
}

/** A number from 0 to below the given one. */
export type Random = (below: number) => number;

export const perturbations = {
  none: perfect,
  trailing_space: trailingSpace,
  line_endings: lineEndings,
  indentation,
  tabs: tabsForSpaces,
  stale_context: staleContext,
  shortened_context: shortenedContext,
  duplicated_anchor: duplicatedAnchor,
  sibling: siblingInstead,
  elided_search: elidedSearch,
  elided_replace: elidedReplace,
} satisfies Record<string, (edit: EditCase, random: Random) => PerturbedEdit | undefined>;

export type Perturbation = keyof typeof perturbations;

/** A small generator of numbers (mulberry32), so that a failure can be repeated. */
export function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

interface Shown {
  readonly head: readonly string[];
  readonly old: readonly string[];
  readonly tail: readonly string[];
}

function shownOf({ lines, at, deleted, before, after }: EditCase): Shown {
  return {
    head: lines.slice(at - before, at),
    old: lines.slice(at, at + deleted),
    tail: lines.slice(at + deleted, at + deleted + after),
  };
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function resultOf({ lines, at, deleted, inserted }: EditCase): string[] {
  return lines.toSpliced(at, deleted, ...inserted);
}

function editOf({ head, old, tail }: Shown, inserted: readonly string[]): Edit {
  return { search: textOf([...head, ...old, ...tail]), replace: textOf([...head, ...inserted, ...tail]) };
}

function perfect(given: EditCase): PerturbedEdit {
  return {
    text: textOf(given.lines),
    edit: editOf(shownOf(given), given.inserted),
    expected: textOf(resultOf(given)),
  };
}

/** White space at line ends that the file has and the model left out, or the reverse. */
function trailingSpace(given: EditCase, random: Random): PerturbedEdit | undefined {
  const { head, old, tail } = shownOf(given);
  // Equal lines alike: which of them is the one deleted cannot be told.
  const perturbed = (line: string) =>
    line.length % 2 === 0 ? `${line}${['  ', ' ', '\t'][line.length % 3] ?? ''}` : line;
  if (random(2) === 0) {
    const lines = given.lines.map((line) => (line === '' ? line : perturbed(line)));
    const edit = editOf({ head, old, tail }, given.inserted);
    return { text: textOf(lines), edit, expected: textOf(resultOf({ ...given, lines })) };
  }
  const [start, end] = [head.map(perturbed), tail.map(perturbed)];
  const edit = editOf({ head: start, old: old.map(perturbed), tail: end }, given.inserted);
  return { ...perfect(given), edit };
}

function lineEndings(given: EditCase, random: Random): PerturbedEdit {
  const { text, edit, expected = '' } = perfect(given);
  const crlf = (lf: string) => lf.replaceAll('\n', '\r\n');
  if (random(2) === 0) return { text: crlf(text), edit, expected: crlf(expected) };
  return { text, edit: { search: crlf(edit.search), replace: crlf(edit.replace) }, expected };
}

/** The whole block so many columns to one side, the replacement with it. */
function indentation(given: EditCase, random: Random): PerturbedEdit | undefined {
  const { head, old, tail } = shownOf(given);
  const all = [...head, ...old, ...tail, ...given.inserted].filter((line) => line.trim() !== '');
  const room = Math.min(...all.map((line) => line.length - line.trimStart().length));
  const out = room > 0 && random(2) === 0;
  const by = out ? room : 2 + 2 * random(2);
  const moved = (line: string) => (line === '' ? line : out ? line.slice(by) : ' '.repeat(by) + line);
  const edit = editOf(
    { head: head.map(moved), old: old.map(moved), tail: tail.map(moved) },
    given.inserted.map(moved),
  );
  return { ...perfect(given), edit };
}

/** The file is indented with tabs, the edit with spaces, or the reverse. */
function tabsForSpaces(given: EditCase, random: Random): PerturbedEdit | undefined {
  const widths = [...given.lines, ...given.inserted].map((line) => line.length - line.trimStart().length);
  const unit = Math.min(...widths.filter((width) => width > 1));
  const tabbed = (line: string) => {
    const width = line.length - line.trimStart().length;
    return '\t'.repeat(Math.floor(width / unit)) + ' '.repeat(width % unit) + line.trimStart();
  };
  const other = { ...given, lines: given.lines.map(tabbed), inserted: given.inserted.map(tabbed) };
  const [file, model] = random(2) === 0 ? [given, other] : [other, given];
  const { edit } = perfect(model);
  const perturbed = { ...perfect(file), edit };
  // Lines without indentation are the file's own: what is added to them is taken as it is.
  return perturbed.text.includes(edit.search) ? undefined : perturbed;
}

/** A line that the edit only shows is another in the file by now, or a new one stands beside it. */
function staleContext(given: EditCase, random: Random): PerturbedEdit | undefined {
  const rows = shownRows(given).filter((row) => (given.lines[row] ?? '').trim().length > 3);
  const row = rows[random(rows.length || 1)];
  if (row === undefined) return undefined;
  const line = given.lines[row] ?? '';
  const indent = line.slice(0, line.length - line.trimStart().length);
  const fresh = [
    [`${line} // seen ${random(1000)}`],
    [`${indent}const other${random(1000)} = previous(${random(1000)});`],
    [line, `${indent}audit(${random(1000)});`],
    [line.replace(/\d+/, (digits) => `${digits}${random(9)}`)],
  ][random(4)] ?? [line];
  // A new line right beside the change leaves open on which side of it the change belongs.
  if (fresh.length > 1 && row === given.at - 1) return undefined;
  const lines = given.lines.toSpliced(row, 1, ...fresh);
  const at = row < given.at ? given.at + fresh.length - 1 : given.at;
  const text = textOf(lines);
  const { edit } = perfect(given);
  if (text.includes(edit.search)) return undefined;
  return { text, edit, expected: textOf(resultOf({ ...given, lines, at })) };
}

function shownRows({ at, deleted, before, after }: EditCase): number[] {
  return [
    ...Array.from({ length: before }, (_, offset) => at - before + offset),
    ...Array.from({ length: after }, (_, offset) => at + deleted + offset),
  ];
}

/** The model left a line of the context out. */
function shortenedContext(given: EditCase, random: Random): PerturbedEdit | undefined {
  const { head, old, tail } = shownOf(given);
  if (head.length < 3 && tail.length < 3) return undefined;
  const fromHead = head.length >= 3 && (tail.length < 3 || random(2) === 0);
  // Not the line at the change itself: the edit would say that they stand side by side.
  const shown = fromHead
    ? { head: head.toSpliced(random(head.length - 1), 1), old, tail }
    : { head, old, tail: tail.toSpliced(1 + random(tail.length - 1), 1) };
  const perturbed = { ...perfect(given), edit: editOf(shown, given.inserted) };
  // Where that stands exactly, it is no shorter text of this place but the text of that one.
  return perturbed.text.includes(perturbed.edit.search) ? undefined : perturbed;
}

/** All that the edit shows stands in the file twice. */
function duplicatedAnchor(given: EditCase, random: Random): PerturbedEdit {
  const { head, old, tail } = shownOf(given);
  const row = random(2) === 0 ? 0 : given.lines.length;
  const lines = given.lines.toSpliced(row, 0, ...head, ...old, ...tail);
  return { ...perfect(given), text: textOf(lines), expected: undefined };
}

/** The block that the edit means is gone; another stands there, that differs in the name it begins with. */
function siblingInstead(given: EditCase, random: Random): PerturbedEdit | undefined {
  const row = shownRows(given).find((shown) => (given.lines[shown] ?? '').startsWith('function '));
  if (row === undefined) return undefined;
  const other = `function ${pick(verbs, random)}${pick(nouns, random)}${10 + random(90)}(`;
  const lines = given.lines.with(row, (given.lines[row] ?? '').replace(/^function [^(]*\(?/, other));
  return { ...perfect(given), text: textOf(lines), expected: undefined };
}

const marks = [
  '// ...',
  '// ... rest unchanged',
  '// existing code',
  '/* ... */',
  '# ... existing code ...',
  '...',
  '// ... implementation ...',
  '// ... 既存のコード ...',
  '// as before',
  '[... 20 lines omitted ...]',
];

function elidedSearch(given: EditCase, random: Random): PerturbedEdit | undefined {
  const { head, old, tail } = shownOf(given);
  if (head.length < 2) return undefined;
  const mark = marks[random(marks.length)] ?? '';
  return {
    ...perfect(given),
    edit: editOf({ head: head.with(random(head.length), mark), old, tail }, given.inserted),
    expected: undefined,
  };
}

function elidedReplace(given: EditCase, random: Random): PerturbedEdit {
  const { edit, text } = perfect(given);
  const lines = edit.replace.split('\n').slice(0, -1);
  const mark = marks[random(marks.length)] ?? '';
  const replace = textOf(lines.toSpliced(random(lines.length + 1), random(2), mark));
  return { text, edit: { search: edit.search, replace }, expected: undefined };
}

/** A file of functions that resemble one another, as files do; `siblings` makes some of them near copies. */
export function randomCode(random: Random, functions: number, siblings: boolean): string[] {
  const lines: string[] = ["import { compute } from './compute.js';", ''];
  let body: string[] = [];
  for (let count = 0; count < functions; count += 1) {
    const name = `${pick(verbs, random)}${pick(nouns, random)}${count}`;
    const copied = siblings && body.length > 0 && random(3) === 0;
    body = copied ? body.with(random(body.length), `    touch(${random(9)});`) : randomBody(random);
    lines.push(`function ${name}(${pick(nouns, random).toLowerCase()}) {`, ...body, '}', '');
  }
  return lines;
}

function randomBody(random: Random): string[] {
  const body: string[] = [];
  for (let left = 2 + random(7); left > 0; left -= 1) {
    const noun = pick(nouns, random);
    const number = random(400);
    body.push(
      ...([
        [`    const ${noun.toLowerCase()}${number} = compute('${pick(verbs, random)}', ${random(90)});`],
        [
          `    if (${noun.toLowerCase()} > ${number}) {`,
          `        ${pick(verbs, random)}${noun}(${random(50)});`,
          '    }',
        ],
        [''],
        ['    return null;'],
        [`    // ${pick(verbs, random)} the ${noun.toLowerCase()} ${number}`],
        [
          `    ${pick(verbs, random)}${noun}(${number}, () => {`,
          `        log('${noun}', ${random(900)});`,
          '    });',
        ],
      ][random(6)] ?? []),
    );
  }
  return body;
}

const verbs = ['load', 'save', 'parse', 'send', 'drop', 'merge', 'open'];
const nouns = ['User', 'Order', 'Invoice', 'Token', 'Route', 'Batch'];

function pick(words: readonly string[], random: Random): string {
  return words[random(words.length)] ?? '';
}

/** A change somewhere in a file: lines replaced, added or taken away, shown with so many lines around or a few more. */
export function randomCase(lines: readonly string[], random: Random, context = 2): EditCase {
  const at = 1 + random(lines.length - 2);
  const before = Math.min(at, context + random(4));
  const deleted = Math.min(random(3), lines.length - at);
  const after = Math.min(lines.length - at - deleted, context + random(4));
  const near = lines[at] ?? '';
  const indent = near.slice(0, near.length - near.trimStart().length);
  const count = deleted === 0 ? 1 + random(3) : random(4);
  const inserted = Array.from(
    { length: count },
    (_, index) =>
      `${index > 0 && random(3) === 0 ? `${indent}    ` : indent}added${random(100_000)}(${index});`,
  );
  return { lines, at, deleted, inserted, before, after };
}
