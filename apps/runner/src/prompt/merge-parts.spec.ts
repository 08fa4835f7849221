import type { Answer, Change } from '@necrocode/contracts';
import { readAnswer } from './read-answer.js';

const edit = (path: string, search: string, replace: string): Change => ({
  file_path: path,
  operation: 'modify',
  edits: [{ search, replace }],
});
const create = (path: string, content: string): Change => ({ file_path: path, operation: 'create', content });
const json = (...code_changes: Change[]) => JSON.stringify({ code_changes });
const fenced = (...texts: string[]) =>
  texts.map((text, at) => `Part ${at + 1}:\n\`\`\`json\n${text}\n\`\`\`\n`).join('\n');
const lines = (...values: unknown[]) => values.map((value) => JSON.stringify(value)).join('\n');

const a = edit('a.ts', 'const a = 1;', 'const a = 2;');
const b = create('b.ts', '```json\n{"code_changes": []}\n```\n');
const c = edit('a.ts', 'const c = 1;', 'const c = 2;');

describe('readAnswer of a text with several answers', () => {
  it.each<[string, string, Change[]]>([
    ['fenced objects for different files', fenced(json(a), json(b)), [a, b]],
    ['objects one below the other', `${json(a)}\n\n${json(b)}`, [a, b]],
    ['bare changes as JSON Lines', lines(a, b), [a, b]],
    ['bare changes as JSON Lines, of the same file', lines(a, c, b), [a, c, b]],
    ['bare changes as JSON Lines in a fence', fenced(lines(a, c)), [a, c]],
    ['bare changes with commas between them', `${JSON.stringify(a)},\n${JSON.stringify(b)},`, [a, b]],
    ['bare changes in fences of their own', fenced(JSON.stringify(a), JSON.stringify(b)), [a, b]],
    ['answers as JSON Lines', lines({ code_changes: [a] }, { code_changes: [b] }), [a, b]],
    ['answers in an array', JSON.stringify([{ code_changes: [a] }, { code_changes: [b] }]), [a, b]],
    ['one answer in an array', JSON.stringify([{ code_changes: [a, b] }]), [a, b]],
    ['another edit of a file later', fenced(json(a, b), json(c)), [a, b, c]],
    ['the same answer again', fenced(json(a), json(b), json(a)), [a, b]],
  ])('[AR-3.7] reads %s as one answer, in their order', (_form, text, changes) => {
    expect(readAnswer(text, 'stop')).toMatchObject({ kind: 'answer', answer: { code_changes: changes } });
  });

  it('[AR-3.7] keeps what all of them say and ask for', () => {
    const first: Answer = { code_changes: [], needs_files: ['x', 'y'], explanation: 'One.' };
    const second: Answer = { code_changes: [], needs_files: ['y', 'z'], explanation: 'Two.' };
    expect(readAnswer(lines(first, second), 'stop')).toEqual({
      kind: 'answer',
      recovered: ['several answers'],
      answer: { code_changes: [], needs_files: ['x', 'y', 'z'], explanation: 'One.\n\nTwo.' },
    });
  });

  const d = edit('a.ts', '  const a = 1;\n}', 'const a = 3;\n}');
  it.each([
    ['a draft and its correction', fenced(json(a), json(d)), /change the same files \("a.ts"\)/],
    ['two contents of one file', fenced(json(b), json(create('b.ts', ''))), /the same files \("b.ts"\)/],
    ['a correction of a part', fenced(json(a, b), json(d)), /the same text of "a.ts"/],
    ['a content besides edits', fenced(json(a), json(b, create('a.ts', ''))), /the same text of "a.ts"/],
    [
      'a file that was moved away',
      fenced(json({ file_path: 'b.ts', operation: 'rename', new_path: 'a.ts' }), json(a)),
      /the same text of "a.ts"/,
    ],
    ['an example in a sentence', `Not ${json(b)}, but\n${json(a)}`, /one of them stands inside a sentence/],
    [
      'changes besides a request for files',
      lines({ code_changes: [], needs_files: ['x'] }, { code_changes: [a] }),
      /one of them only asks for files/,
    ],
  ])('[AR-3.7] does not choose between %s, and names the places', (_what, text, why) => {
    const read = readAnswer(text, 'stop');
    expect(read).toMatchObject({ code: 'ambiguous', message: expect.stringMatching(why) as string });
    expect(read).toMatchObject({
      message: expect.stringMatching(
        /holds 2 different answers \(line \d+, column \d+; line \d+, column \d+\)/,
      ) as string,
    });
  });

  it.each([
    ['a second that has no end', fenced(json(a), json(b)).slice(0, -7), 'cut_off', /begins at line 8/],
    ['an announced block', `${fenced(json(a))}And the test:\n`, 'cut_off', /colon at line 5, column 14/],
    ['a block that has only begun', `${fenced(json(a))}And\n\`\`\`json\n`, 'cut_off', /"```json" opens/],
    ['a line that breaks off', `${lines(a, b)}\n{"file_path": "c.ts", "oper`, 'cut_off', /line 3, column 23/],
    ['a line with a slip', `${lines(a)}\n{"file_path": "c.ts" oops}`, 'not_json', /line 2, column 22/],
    ['a line that says half', `${lines(a)}\n{"file_path": "c.ts"}`, 'wrong_shape', /line 2, column 1 /],
    [
      'a second of the wrong shape',
      fenced(json(a), '{"code_changes":[{"file_path":"c.ts","operation":"create"}]}'),
      'wrong_shape',
      /line 8, column 1: code_changes\.0\.content: required/,
    ],
    [
      'too many together',
      Array.from({ length: 2 }, (_, half) =>
        json(
          ...Array.from({ length: 6_000 }, (_, at): Change => ({
            file_path: `${half}/${at}`,
            operation: 'delete',
          })),
        ),
      ).join('\n'),
      'too_large',
      /12000 changes; at most 10000/,
    ],
  ])('[AR-3.7] uses none of them where there is %s', (_what, text, code, why) => {
    expect(readAnswer(text, 'stop')).toEqual({
      kind: 'unreadable',
      code,
      message: expect.stringMatching(why) as string,
    });
  });

  it('[AR-3.7] reads 10,000 lines, and refuses a megabyte of answers to the same files', () => {
    const many = Array.from({ length: 10_000 }, (_, at) => edit(`f${at % 7}`, `line ${at}`, 'x'));
    expect(readAnswer(lines(...many), 'stop')).toMatchObject({ answer: { code_changes: many } });
    const answers = many.map((change, at) => ({ code_changes: [change, create(`g${at}`, '')] }));
    expect(readAnswer(lines(...answers.slice(0, 5_000)), 'stop')).toMatchObject({ kind: 'answer' });
    const same = many.map((change) => ({ code_changes: [change] }));
    expect(readAnswer(lines(...same), 'stop')).toMatchObject({ code: 'ambiguous' });
  });
});
