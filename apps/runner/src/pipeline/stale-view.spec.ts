import type { Change } from '@necrocode/contracts';
import { SpecRounds } from './spec-rounds.js';

/** Large enough not to be shown with the tests' output. */
const lines = Array.from(
  { length: 2_000 },
  (_, at) => `const value${at} = ${at}; // some words to fill the line`,
);
const large = `${lines.join('\n')}\n`;
const files = { 'src/large.ts': large, 'src/small.ts': 'one\ntwo\nthree\n' };
const rounds = SpecRounds.of(files);

const edit = (search: string, replace: string, path = 'src/large.ts'): Change => ({
  file_path: path,
  operation: 'modify',
  edits: [{ search, replace }],
});
const write = (content: string, path = 'src/large.ts'): Change => ({
  file_path: path,
  operation: 'modify',
  content,
});
const answer = (...code_changes: Change[]) => ({ code_changes });
/** The first request shows the small file only, and there is little room later. */
const options = { test: 'false', promptTokens: 4_000, conversationTokens: 10_000, budget: { max_rounds: 5 } };

const first = answer(edit('const value7 = 7;', 'const value7 = seven;'));

describe('a file that the model does not see as it is', () => {
  it('[AR-3.3] is shown around the place when an edit was made for what it was before', async () => {
    const played = await rounds.play(
      [first, answer(edit('const value7 = 7;\n', 'const value7 = SEVEN;\n'))],
      options,
    );
    expect(played.told(2)).toContain('(1 more are not shown: no room)');
    const told = played.told(3);
    expect(told).toContain('the search text does not occur in the file');
    expect(told).toContain(
      '"src/large.ts" has changed since it was shown to you: your answer of round 1 changed it. It is now:\n<file path="src/large.ts">',
    );
    expect(told).toContain('const value7 = seven; // some words');
    expect(told).toMatch(/\[… \d+ lines left out …\]/);
  });

  it('[AR-3.3] is shown when an edit was made for a file that never was', async () => {
    const played = await rounds.play([answer(edit('const value1999 = "?";', 'x'))], options);
    expect(played.told(2)).toContain('You have not been shown "src/large.ts". It is now:');
    expect(played.told(3)).not.toContain('<file');
  });

  it('[AR-3.3] is not shown again for an edit of what the model sees', async () => {
    const played = await rounds.play([answer(edit('four', '4', 'src/small.ts'))], options);
    expect(played.told(2)).toContain('the search text does not occur in the file');
    expect(played.told(2)).not.toContain('<file');
  });

  it('[AR-3.3] is told to have changed when an answer undid what was shown', async () => {
    const small = (text: string) => write(text, 'src/small.ts');
    const played = await rounds.play(
      [
        answer(small('one\ntwo\nfour\n')),
        answer(small('one\ntwo\nthree\n')),
        answer(edit('two\nfour\n', 'two\nfive\nsix\n', 'src/small.ts')),
      ],
      options,
    );
    expect(played.told(4)).toContain('your answer of round 2 changed it. It is now:');
    expect(played.told(4)).toContain('one\ntwo\nthree\n');
  });

  it('[AR-3.3] may be written whole where only the repository has made it', async () => {
    const played = await rounds.play([answer(write('export {};\n'))], { ...options, test: 'true' });
    expect(await played.text('src/large.ts')).toBe('export {};\n');
  });

  it('[AR-3.3] keeps earlier edits that a whole text would undo unseen, unless that is said again', async () => {
    const whole = answer(write('export {};\n'));
    const played = await rounds.play([first, whole, whole], options);
    expect(played.told(3)).toMatch(
      /change 1 \(modify "src\/large.ts"\): your answer of round 1 changed this file, and you have not seen the result/,
    );
    expect(played.told(3)).toContain('<file path="src/large.ts">');
    expect(played.ended[1]).toMatchObject({ outcome: 'change_refused' });
    expect(played.ended[2]).toMatchObject({ outcome: 'tests_failed' });
    expect(played.ended[2]).not.toHaveProperty('same_as_round');
    expect(await played.text('src/large.ts')).toBe('export {};\n');
  });

  it('[AR-3.3] may be written whole again by who wrote it whole', async () => {
    const text = (word: string) => `${large}// ${word}\n`;
    const played = await rounds.play([answer(write(text('one'))), answer(write(text('two')))], {
      ...options,
      test: 'grep -q two src/large.ts',
      conversationTokens: 100_000,
    });
    expect(played.record.rounds).toBe(2);
    expect(played.change).toBeDefined();
  });
});
