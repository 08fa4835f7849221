import { answerSchema, type Change } from '@necrocode/contracts';
import type { AnswerFormat } from './answer-format.js';
import { readAnswer } from './read-answer.js';
import { Dice, randomAnswer } from './spec-answers.js';
import { writeBlocks } from './write-blocks.js';

const formats: readonly AnswerFormat[] = ['json', 'blocks'];

/** The ways in which an answer may be written and framed; the frame is what may be cut without loss. */
const writings: readonly [
  string,
  AnswerFormat,
  (answer: ReturnType<typeof randomAnswer>) => [string, string],
][] = [
  ['plain JSON', 'json', (answer) => [JSON.stringify(answer), '\n']],
  [
    'pretty JSON in a fence',
    'json',
    (answer) => ['Sure:\n```json\n' + JSON.stringify(answer, null, 2), '\n```\nBye.'],
  ],
  ['JSON with slips', 'json', (answer) => [withSlips(answer), ' ']],
  ['a bare array', 'json', (answer) => [JSON.stringify(answer.code_changes, null, 1), '\n']],
  ['blocks', 'blocks', (answer) => [`Sure:\n${writeBlocks(answer).trimEnd()}`, '\n']],
  ['JSON where blocks were asked for', 'blocks', (answer) => [JSON.stringify(answer), '\n']],
];

/** Changes one by one, and where each of them stands in the text. */
interface WrittenInTurn {
  readonly text: string;
  readonly places: readonly { readonly from: number; readonly to: number }[];
}

const severalWritings: readonly [string, (changes: readonly Change[]) => WrittenInTurn][] = [
  ['JSON Lines of changes', (changes) => inTurn(changes, (change) => JSON.stringify(change), ['', '\n'])],
  ['JSON Lines of answers', (changes) => inTurn(changes, answerOf, ['', '\n'])],
  ['answers in fences', (changes) => inTurn(changes, answerOf, ['```json\n', '\n```\nAnd\n'])],
  [
    'answers with slips',
    (changes) => inTurn(changes, (change) => withSlips({ code_changes: [change] }), ['', '\n\n']),
  ],
];

function answerOf(change: Change): string {
  return JSON.stringify({ code_changes: [change] });
}

function inTurn(
  changes: readonly Change[],
  write: (change: Change) => string,
  [before, after]: readonly [string, string],
): WrittenInTurn {
  let text = '';
  const places = changes.map((change) => {
    const from = text.length + before.length;
    text += before + write(change);
    const to = text.length;
    text += after;
    return { from, to };
  });
  return { text, places };
}

describe('readAnswer, whatever it is given', () => {
  it.each(writings)(
    '[AR-3.7] never takes an answer from %s that is cut at any place',
    (_name, format, write) => {
      const dice = new Dice(3);
      let cuts = 0;
      for (let round = 0; round < 60; round += 1) {
        const answer = randomAnswer(dice);
        if (answer.code_changes.length === 0) continue;
        const [body, frame] = write(answer);
        expect(readAnswer(body + frame, 'stop', { format }).kind).toBe('answer');
        for (let length = 0; length < body.length; length += 1) {
          const read = readAnswer(body.slice(0, length), 'stop', { format });
          if (read.kind === 'answer')
            throw new Error(`an answer from ${JSON.stringify(body.slice(0, length))}`);
          cuts += 1;
        }
        for (let length = 0; length <= frame.length; length += 1) {
          expect(readAnswer(body + frame.slice(0, length), 'stop', { format }).kind).toBe('answer');
        }
      }
      expect(cuts).toBeGreaterThan(5_000);
    },
  );

  it.each(severalWritings)(
    '[AR-3.7] never takes a part of one of several answers: %s, cut at any place',
    (_name, write) => {
      const dice = new Dice(7);
      let refused = 0;
      for (let round = 0; round < 60; round += 1) {
        const changes = randomAnswer(dice).code_changes;
        if (changes.length < 2) continue;
        const { text, places } = write(changes);
        for (let length = 0; length <= text.length; length += 1) {
          const read = readAnswer(text.slice(0, length), 'stop');
          const whole = places.filter(({ to }) => to <= length).length;
          const begun = places.filter(({ from }) => from < length).length;
          if (read.kind === 'unreadable') refused += 1;
          else if (begun > whole) throw new Error(`used: ${text.slice(0, length)}`);
          else expect(read.answer.code_changes).toEqual(changes.slice(0, whole));
        }
        expect(readAnswer(text, 'stop')).toMatchObject({ answer: { code_changes: changes } });
      }
      expect(refused).toBeGreaterThan(5_000);
    },
  );

  it('[AR-3.7] gives an answer in form or a reason for 100,000 mutated and random texts', () => {
    const dice = new Dice(5);
    const seen = new Set<string>();
    for (let round = 0; round < 50_000; round += 1) {
      const answer = randomAnswer(dice);
      const text = dice.chance(3)
        ? noise(dice)
        : mutated(dice.chance(2) ? writeBlocks(answer) : withSlips(answer), dice);
      for (const format of formats) {
        const read = readAnswer(text, 'stop', { format });
        if (read.kind === 'answer') expect(answerSchema.safeParse(read.answer).success).toBe(true);
        else expect(read.message.length).toBeLessThan(4_000);
        seen.add(read.kind === 'answer' ? 'answer' : read.code);
      }
    }
    expect([...seen]).toEqual(
      expect.arrayContaining(['answer', 'cut_off', 'not_json', 'wrong_shape', 'empty', 'ambiguous']),
    );
  });

  it.each([
    ['opening brackets', '{"a":['.repeat(300_000)],
    ['objects in a broken list', `[${'{"a":[1]},'.repeat(150_000)} oops`],
    ['lone brackets', '{ ['.repeat(500_000)],
    ['quotes', '{"'.repeat(500_000)],
    ['backslashes', `{"a":"${'\\'.repeat(1_000_001)}`],
    ['lines that look like markers', '<<<< \n====\n>>>>\n'.repeat(100_000)],
    ['blank lines before brackets', '\n'.repeat(500_000) + ' {x}'.repeat(1_000)],
    ['missing commas', `{"code_changes":[${'{"path":"a","op":"delete",}\n'.repeat(90_000)}]}`],
    ['white space', '{' + ' '.repeat(2_000_000)],
  ])('[AR-3.7] comes to an end on megabytes of %s', (_what, text) => {
    for (const format of formats) expect(readAnswer(text, 'stop', { format }).kind).toBe('unreadable');
  });
});

/** JSON as some models write it: comments, trailing commas, single quotes, raw line ends. */
function withSlips(answer: ReturnType<typeof randomAnswer>): string {
  const strict = JSON.stringify(answer, null, 1);
  const strings: string[] = [];
  const bare = strict.replace(/"(?:[^"\\]|\\.)*"/g, (string) => {
    const single = `'${string.slice(1, -1).replaceAll("'", "\\'")}'`;
    strings.push(single.replace(/(?<!\\)((?:\\\\)*)\\n/g, '$1\n'));
    return '\u0001';
  });
  const slips = bare.replace(/\n( *)([\]}])/g, ',\n$1$2').replace('[', '[ // changes\n');
  let next = 0;
  return slips.replace(/\u0001/g, () => strings[next++] ?? '');
}

function mutated(text: string, dice: Dice): string {
  let result = text;
  for (let count = 1 + dice.below(3); count > 0; count -= 1) {
    const at = dice.below(result.length + 1);
    const length = dice.below(8);
    const insert = dice.one([
      '',
      '"',
      '{',
      '}',
      '[',
      ']',
      '\\',
      '\n',
      ',',
      '```\n',
      '<<<<',
      '>>>>\n',
      '/*',
      '\u0000',
      '\uD83D',
    ]);
    result = dice.chance(12) ? result + result : result.slice(0, at) + insert + result.slice(at + length);
  }
  return result;
}

function noise(dice: Dice): string {
  const letters = [
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    ':',
    ',',
    '\\',
    '\n',
    ' ',
    'a',
    '1',
    '<<<< ',
    '>>>>',
    '====',
    '`',
    '/',
    '*',
    '"path"',
    '"op"',
    '"code_changes"',
    'edit',
    'end',
    'é',
    '\uDC00',
  ];
  return Array.from({ length: dice.below(60) }, () => dice.one(letters)).join('');
}
