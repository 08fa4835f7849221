import type { Answer, Change } from '@necrocode/contracts';

/** A random source with a seed, so that a failing case can be repeated. */
export class Dice {
  constructor(private state: number) {}

  /** From 0 up to, not including, `limit`. (mulberry32) */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  chance(outOf: number): boolean {
    return this.below(outOf) === 0;
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}

/** Pieces that are hard for one of the two forms. */
const pieces = [
  'const a = 1;',
  '\n',
  '\n',
  '\r\n',
  '\t',
  '  ',
  '"',
  "'",
  '\\d+',
  '`${x}`',
  '{',
  '}',
  '[',
  ']',
  ',',
  '// … rest unchanged',
  '/* open',
  '```json\n{ "code_changes": [] }\n```\n',
  '{"code_changes":[{"file_path":"x","operation":"delete"}]}',
  '\n<<<< end\n',
  '\n>>>>\n',
  '\n====\n',
  '\n<<<<<<< HEAD\n=======\n>>>>>>> other\n',
  '\n==== no-newline\n',
  '```',
  'naïve ☃ 😀',
  '\u0000',
  '\u2028',
  '<think>',
];

export function randomText(dice: Dice): string {
  return Array.from({ length: dice.below(9) }, () => dice.one(pieces)).join('');
}

/** A valid answer in which no file is changed twice. */
export function randomAnswer(dice: Dice): Answer {
  const changes = Array.from({ length: dice.below(5) }, (_, index) => randomChange(dice, index));
  return {
    code_changes: changes,
    ...(dice.chance(4) && { needs_files: [randomPath(dice, 97), randomPath(dice, 98)] }),
    ...(dice.chance(2) && { explanation: randomText(dice) }),
  };
}

function randomChange(dice: Dice, index: number): Change {
  const path = { file_path: randomPath(dice, index) };
  const executable = dice.chance(4) ? { executable: dice.chance(2) } : {};
  const base64 = dice.chance(5);
  const content = base64
    ? { content: Buffer.from(randomText(dice)).toString('base64'), encoding: 'base64' as const }
    : { content: randomText(dice) };
  const edits = Array.from({ length: 1 + dice.below(3) }, () => ({
    search: randomText(dice) || 'x',
    replace: randomText(dice),
  }));
  switch (dice.below(6)) {
    case 0:
      return { ...path, operation: 'create', ...content, ...executable };
    case 1:
      return { ...path, operation: 'modify', ...content, ...executable };
    case 2:
      return { ...path, operation: 'modify', edits, ...executable };
    case 3:
      return { ...path, operation: 'rename', new_path: randomPath(dice, index + 50), edits, ...executable };
    case 4:
      return { ...path, operation: 'rename', new_path: randomPath(dice, index + 50), ...executable };
    default:
      return { ...path, operation: 'delete' };
  }
}

function randomPath(dice: Dice, index: number): string {
  const name = dice.one([
    'src/a.ts',
    'docs/read me.md',
    '"q".txt',
    'a -> b.txt',
    ' lead',
    'tab\there',
    'ü/(x).py',
  ]);
  return `${name}${dice.chance(3) ? '.md' : ''}${index}`;
}
