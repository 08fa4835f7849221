import { readAnswer } from './read-answer.js';
import { Dice, randomAnswer } from './spec-answers.js';
import { writeBlocks } from './write-blocks.js';

const read = (text: string, finish = 'stop') => readAnswer(text, finish, { format: 'blocks' });

const example = `I will change the greeting.

<<<< create(executable) bin/run.sh
#!/bin/sh
echo "<<<" '\\d'
>>>>
<<<< edit src/a.ts
old();
====
new();
>>>>
<<<< edit src/a.ts
1
==== no-newline
2
>>>> no-newline
<<<< write src/old.ts -> src/new.ts
>>>>
<<<< rename "we ird.txt" -> b.txt
<<<< delete gone.txt
<<<< create logo.png.txt
Heading
>>>> no-newline
<<<<<< create notes.rst
Name
====
<<<< end
>>>>>>
<<<< explanation
Because.
>>>>
<<<< end
`;

describe('readAnswer of the form blocks', () => {
  it.each(['[note] I did it', '[x]', '{sigh} ok', '{ "a": 1 } is what I thought of', '[1, 2] and'])(
    '[AR-3.7] reads blocks behind prose that begins like JSON: %s',
    (prose) => {
      const block = '<<<< delete gone.txt\n<<<< end\n';
      expect(read(`${prose}\n${block}`)).toMatchObject({
        kind: 'answer',
        answer: { code_changes: [{ file_path: 'gone.txt', operation: 'delete' }] },
      });
    },
  );

  it.each([
    ['cut off', '{"explanation": "\n<<<< delete a\n<<<< end\n'],
    ['broken', '{"explanation": "say "hi"\n<<<< delete a\n<<<< end\n", "code_changes": []}'],
    ['whole', '{"code_changes": [{"file_path": "a", "operation": "modify", "edits": "\n<<<< end\n"}]}'],
  ])('[AR-3.7] takes no blocks out of the strings of an answer in JSON that is %s', (_how, text) => {
    expect(read(text).kind).toBe('unreadable');
  });

  it('[AR-3.7] says of prose that it has no blocks, not that it has no JSON', () => {
    expect(read('I {would} rather not.')).toMatchObject({
      code: 'not_json',
      message:
        'Your answer is not the asked-for blocks (no line begins with "<<<< " and the word of a block; it begins with "I {would} rather not.").',
    });
  });

  it('[AR-3.2] reads every kind of block, content byte by byte', () => {
    expect(read(example)).toEqual({
      kind: 'answer',
      recovered: [],
      answer: {
        code_changes: [
          {
            file_path: 'bin/run.sh',
            operation: 'create',
            content: '#!/bin/sh\necho "<<<" \'\\d\'\n',
            executable: true,
          },
          {
            file_path: 'src/a.ts',
            operation: 'modify',
            edits: [
              { search: 'old();\n', replace: 'new();\n' },
              { search: '1', replace: '2' },
            ],
          },
          { file_path: 'src/old.ts', operation: 'rename', new_path: 'src/new.ts', content: '' },
          { file_path: 'we ird.txt', operation: 'rename', new_path: 'b.txt' },
          { file_path: 'gone.txt', operation: 'delete' },
          { file_path: 'logo.png.txt', operation: 'create', content: 'Heading' },
          { file_path: 'notes.rst', operation: 'create', content: 'Name\n====\n<<<< end\n' },
        ],
        explanation: 'Because.\n',
      },
    });
  });

  it('[AR-3.7] reads what a model asks to see, and an answer in JSON all the same', () => {
    expect(read('<<<< needs\nsrc/a.ts\n\n"b c"\n>>>>\n<<<< end')).toMatchObject({
      answer: { code_changes: [], needs_files: ['src/a.ts', 'b c'] },
    });
    expect(read('```json\n{"code_changes":[]}\n```')).toMatchObject({ kind: 'answer' });
  });

  it.each([
    ['has no end', '<<<< delete a\n', 'cut_off', /"<<<< end" is missing/],
    ['ends in a block', '<<<< create a\nx\n', 'cut_off', /block that begins at line 1/],
    [
      'does not close a block',
      '<<<< create a\nx\n<<<< create b\ny\n>>>>\n<<<< end',
      'wrong_shape',
      /line 3 .*line 1/,
    ],
    [
      'has an edit without divider',
      '<<<< edit a\nx\n>>>>\n<<<< end',
      'wrong_shape',
      /line 1 has no line "===="/,
    ],
    ['has two dividers', '<<<< edit a\nx\n====\ny\n====\nz\n>>>>\n<<<< end', 'wrong_shape', /line 5/],
    ['closes what is not open', 'x\n>>>>\n<<<< end', 'wrong_shape', /line 2 closes/],
    [
      'has an unknown word',
      '<<<< patch a\n>>>>\n<<<< end',
      'wrong_shape',
      /line 1: "patch" is not one of create/,
    ],
    [
      'has an unknown option',
      '<<<< create(x) a\n>>>>\n<<<< end',
      'wrong_shape',
      /"x" is not one of executable/,
    ],
    ['lacks a path', '<<<< create\nx\n>>>>\n<<<< end', 'wrong_shape', /Line 1 .*needs a path/],
    ['lacks the new path', '<<<< rename a\n<<<< end', 'wrong_shape', /Line 1 .*two paths/],
    ['searches for nothing', '<<<< edit a\n====\nx\n>>>>\n<<<< end', 'wrong_shape', /Line 1 .*empty/],
    ['fences a file', '<<<< create a.ts\n```ts\nx\n```\n>>>>\n<<<< end', 'wrong_shape', /Line 1 .*```/],
    [
      'goes on behind its end',
      '<<<< end\n<<<< delete a\n<<<< end',
      'wrong_shape',
      /behind the end at line 1/,
    ],
    ['is prose', 'No.', 'not_json', /asked-for blocks/],
  ])('[AR-3.7] refuses an answer that %s, and names the place', (_form, text, code, why) => {
    expect(read(text)).toEqual({ kind: 'unreadable', code, message: expect.stringMatching(why) as string });
  });

  it('[AR-3.2] reads back what writeBlocks wrote, whatever the content', () => {
    const dice = new Dice(11);
    for (let round = 0; round < 4_000; round += 1) {
      const answer = randomAnswer(dice);
      expect(read(`Some prose.\n${writeBlocks(answer)}`)).toEqual({ kind: 'answer', answer, recovered: [] });
    }
  });

  it.each([
    ['both content and edits', { content: '', edits: [{ search: 'a', replace: 'b' }] }],
    ['neither content nor edits', {}],
  ])('[AR-3.2] does not write a change with %s', (_what, rest) => {
    const change = { file_path: 'a', operation: 'modify' as const, ...rest };
    expect(() => writeBlocks({ code_changes: [change] })).toThrow(
      expect.objectContaining({ code: 'change_unparsable' }) as Error,
    );
  });
});
