import { applyEdits } from './change-content.js';
import { EditedText } from './match/edited-text.js';
import { occurrences } from './match/occurrences.js';
import { matchEdit } from './match-edit.js';
import {
  perturbations,
  randomCase,
  randomCode,
  seeded,
  type EditCase,
  type Perturbation,
  type Random,
} from './spec-perturbations.js';

interface Tally {
  right: number;
  refused: number;
  wrong: string[];
}

describe('perturbed edits', () => {
  // How many of a hundred have to be recovered where the place is still unique.
  it.each<[Perturbation, number]>([
    ['none', 100],
    ['trailing_space', 95],
    ['line_endings', 95],
    ['indentation', 95],
    ['tabs', 95],
    ['stale_context', 80],
    ['shortened_context', 80],
    ['duplicated_anchor', 0],
    ['sibling', 0],
    ['elided_search', 0],
    ['elided_replace', 0],
  ])('[AR-3.3] end in the right text or are refused: %s', (kind, percent) => {
    const { right, refused, wrong } = tally(kind, 1500, false);
    expect(wrong).toEqual([]);
    expect((100 * right) / (right + refused)).toBeGreaterThanOrEqual(percent);
    expect(right + refused).toBeGreaterThan(300);
  });

  it.each(Object.keys(perturbations) as Perturbation[])('[AR-3.3] never reach a near copy: %s', (kind) => {
    const { right, refused, wrong } = tally(kind, 3000, true);
    expect(wrong).toEqual([]);
    expect(right + refused).toBeGreaterThan(300);
  });
});

function tally(kind: Perturbation, times: number, siblings: boolean): Tally {
  const random = seeded(20_261_120);
  const found: Tally = { right: 0, refused: 0, wrong: [] };
  for (let time = 0; time < times; time += 1) {
    const given = randomCase(randomCode(random, 3 + random(12), siblings), random, siblings ? 2 : 4);
    const perturbed = perturbations[kind](given, random);
    if (!perturbed || !isUnique(given)) continue;
    const edited = applyEdits(Buffer.from(perturbed.text), [perturbed.edit], 'file.ts');
    if (edited.kind === 'unfit') found.refused += 1;
    else if (edited.bytes.toString() === perturbed.expected) found.right += 1;
    else found.wrong.push(JSON.stringify({ layers: edited.layers, perturbed }));
  }
  return found;
}

/** Whether what the unperturbed edit shows stands in its file once, white space aside. */
function isUnique({ lines, at, deleted, before, after }: EditCase): boolean {
  const text = (part: readonly string[]) => part.map((line) => `${line.trim()}\n`).join('');
  return occurrences(text(lines), text(lines.slice(at - before, at + deleted + after))).length === 1;
}

describe('whatever a text and an edit are', () => {
  it('[AR-3.3] neither fails nor hangs, and finds the same with an index of lines as without', () => {
    const random = seeded(7);
    let layers = 0;
    for (let time = 0; time < 20_000; time += 1) {
      const source = randomText(random, 12);
      const plain = new EditedText(source);
      const indexed = new EditedText(source);
      indexed.index();
      for (let edits = 1 + random(3); edits > 0; edits -= 1) {
        const search = random(2) === 0 ? randomText(random, 4) : partOf(plain.text, random);
        const edit = { search: search || 'a', replace: randomText(random, 4) };
        const match = matchEdit(plain, edit);
        expect(matchEdit(indexed, edit)).toEqual(match);
        if (match.kind !== 'match') continue;
        if (match.layer !== 'exact') layers += 1;
        plain.replace(match.start, match.end, match.replacement);
        indexed.replace(match.start, match.end, match.replacement);
        expect(indexed.text).toBe(plain.text);
        const { lines } = indexed;
        expect(lines.contents.map((line, row) => line + (lines.breaks[row] ?? '')).join('')).toBe(plain.text);
      }
    }
    expect(layers).toBeGreaterThan(100);
  });
});

const pieces = [
  'a',
  'b',
  'foo(1);',
  'return x;',
  '}',
  '{',
  ' ',
  '    ',
  '\t',
  '\n',
  '\n',
  '\r\n',
  '\r',
  '...',
  '// ...',
  'ü',
  '🧟',
  '\u2028',
  '\ufeff',
];

function randomText(random: Random, length: number): string {
  return Array.from({ length: random(length) }, () => pieces[random(pieces.length)]).join('');
}

/** A part of a text, its white space and breaks sometimes others. */
function partOf(text: string, random: Random): string {
  const start = random(text.length + 1);
  const part = text.slice(start, start + 1 + random(20));
  switch (random(4)) {
    case 0:
      return part.replaceAll('\r\n', '\n');
    case 1:
      return part.replaceAll('\n', ' \n');
    case 2:
      return part.replaceAll('\n', '\n  ');
    default:
      return part;
  }
}
