import type { Answer } from '@necrocode/contracts';
import { readAnswer } from './read-answer.js';

const change = { file_path: 'a.md', operation: 'create', content: 'text\n```js\n{ "a": 1 }\n```\n' } as const;
const answer: Answer = { code_changes: [change], explanation: 'why' };
const json = JSON.stringify(answer);
const other = JSON.stringify({ code_changes: [{ file_path: 'b', operation: 'delete' }] });

describe('readAnswer', () => {
  it.each([
    ['plain', json],
    ['pretty-printed', JSON.stringify(answer, null, 2)],
    ['fenced', '```json\n' + json + '\n```'],
    ['fenced and indented', '  ```json\n  ' + json + '\n  ```'],
    ['behind a byte order mark', `\uFEFF${json}`],
    ['with prose before and after', `Here it is:\n${json}\nHope this helps.`],
    ['on a line of prose', `Here it is: ${json} Done {or [so].`],
    ['behind thoughts', `<think>maybe ${other} or {</think>\n${json}`],
    [
      'one block among others',
      '```ts\nconst a = { b: [1] };\n{\n  run();\n}\n```\n\n```json\n' + json + '\n```\n',
    ],
    ['beside other JSON', '```json\n{ "name": "x" }\n```\n```json\n' + json + '\n```'],
    ['beside an empty one that shows the form', `{"code_changes":[]}\n${json}`],
    ['given twice', `${json}\n\nOnce more:\n${json}`],
    ['wrapped', `{"response":${json}}`],
    ['followed by a bracket too many', `${json}}`],
  ])('[AR-3.7] reads an answer that is %s', (_form, text) => {
    expect(readAnswer(text, 'stop')).toMatchObject({ kind: 'answer', answer });
  });

  it('[AR-3.7] says of an answer in form that nothing was put right', () => {
    expect(readAnswer(json, 'stop')).toEqual({ kind: 'answer', answer, recovered: [] });
  });

  const code = 'if (a === "b") {\n\treturn /\\d+\\/\\/x/; // {"c": [1,]}\n}\n';
  const change2 = { file_path: 'a.js', operation: 'create', content: code };
  const strictContent = JSON.stringify(code);
  it.each([
    [
      'trailing commas',
      `{"code_changes":[{"file_path":"a.js","operation":"create","content":${strictContent},},],}`,
    ],
    [
      'comments',
      `{ // the change\n"code_changes": /* one */ [{"file_path":"a.js","operation":"create","content":${strictContent}}] # `.replace(
        '# ',
        '}',
      ),
    ],
    [
      'single quotes',
      `{'code_changes':[{'file_path':'a.js','operation':'create','content':'${strictContent.slice(1, -1).replaceAll("'", "\\'")}'}]}`,
    ],
    [
      'raw line ends and tabs',
      `{"code_changes":[{"file_path":"a.js","operation":"create","content":${strictContent.replaceAll('\\n', '\n').replaceAll('\\t', '\t')}}]}`,
    ],
    ['bare keys', `{code_changes:[{file_path:"a.js",operation:"create",content:${strictContent}}]}`],
    [
      'a comma missing at a line end',
      `{"code_changes":[{"file_path":"a.js"\n"operation":"create",\n"content":${strictContent}}]\n}`,
    ],
    [
      "Python's constants",
      `{"code_changes":[{"file_path":"a.js","operation":"create","content":${strictContent},"executable":None}]}`,
    ],
  ])('[AR-3.7] puts right %s and leaves the code as it is', (_slip, text) => {
    expect(readAnswer(text, 'stop')).toMatchObject({ kind: 'answer', answer: { code_changes: [change2] } });
  });

  const expected = {
    code_changes: [{ file_path: 'a', operation: 'modify', edits: [{ search: 'x', replace: 'y' }] }],
  };
  it.each([
    [
      'camel case',
      { codeChanges: [{ filePath: 'a', operation: 'modify', edits: [{ search: 'x', replace: 'y' }] }] },
    ],
    ['other names', { changes: [{ path: 'a', action: 'Update', edits: [{ old: 'x', new: 'y' }] }] }],
    [
      'old_str and new_str',
      { changes: [{ file: 'a', op: 'EDIT', edits: [{ old_str: 'x', new_str: 'y' }] }] },
    ],
    ['a bare array', [{ file_path: 'a', operation: 'modify', edits: [{ search: 'x', replace: 'y' }] }]],
    ['a single change', { file_path: 'a', operation: 'modify', edits: [{ search: 'x', replace: 'y' }] }],
    ['one edit without its array', { code_changes: { path: 'a', edits: { search: 'x', replace: 'y' } } }],
    ['an edit beside the path', { code_changes: [{ path: 'a', search: 'x', replace: 'y' }] }],
    [
      'null for what is left out',
      {
        code_changes: [
          {
            file_path: 'a',
            operation: 'modify',
            content: null,
            new_path: '',
            executable: null,
            edits: [{ search: 'x', replace: 'y' }],
          },
        ],
        needs_files: null,
      },
    ],
  ])('[AR-3.7] understands %s', (_slip, document) => {
    expect(readAnswer(JSON.stringify(document), 'stop')).toMatchObject({ kind: 'answer', answer: expected });
  });

  it.each([
    ['add', 'create', { content: 'x' }],
    ['Create', 'create', { content: 'x' }],
    ['update', 'modify', { content: 'x' }],
    ['REMOVE', 'delete', {}],
    ['move', 'rename', { new_path: 'b' }],
  ])('[AR-3.7] takes the operation %s for %s', (given, meant, rest) => {
    const read = readAnswer(JSON.stringify([{ file_path: 'a', operation: given, ...rest }]), 'stop');
    expect(read).toMatchObject({ answer: { code_changes: [{ file_path: 'a', operation: meant, ...rest }] } });
  });

  it.each([
    [
      'was cut off by the limit',
      `Sure:\n${json.slice(0, 30)}`,
      'length',
      'cut_off',
      /length limit at line 2, column 31, behind "\{\\"code_changes/,
    ],
    ['was cut off before it began', '', 'length', 'cut_off', /length limit before it began/],
    [
      'does not close',
      json.slice(0, -20),
      'stop',
      'cut_off',
      /the object that begins at line 1, column 1 has no end/,
    ],
    [
      'ends in a block comment',
      `{"code_changes":[] /* and`,
      'stop',
      'cut_off',
      /comment .* line 1, column 20 /,
    ],
    [
      'ends in the second of two',
      `${json}\n${other.slice(0, -1)}`,
      'stop',
      'cut_off',
      /object .* line 2, column 1/,
    ],
    ['ends within thoughts', '<think>hm', 'stop', 'cut_off', /think/],
    ['was withheld', '', 'content_filter', 'withheld', /content filter/],
    ['is empty', '  ', 'stop', 'empty', /empty/],
    [
      'is prose',
      'I would rather not.',
      'stop',
      'not_json',
      /no JSON found; it begins with "I would rather not\."/,
    ],
    ['is a diff', '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b', 'stop', 'not_json', /no JSON found/],
    ['has an unknown field', '{"code_changes":[],"patch":""}', 'stop', 'wrong_shape', /patch: unknown field/],
    [
      'lacks a field',
      '{"code_changes":[{"operation":"create","file_path":"a"}]}',
      'stop',
      'wrong_shape',
      /code_changes\.0\.content: required/,
    ],
    ['is of another form', '{"files":{"a":"b"}}', 'stop', 'wrong_shape', /line 1, column 1 has "files"/],
    [
      'leaves open whether a file is new',
      '{"code_changes":[{"path":"a","content":"b"}]}',
      'stop',
      'wrong_shape',
      /code_changes\.0\.operation/,
    ],
    [
      'gives a name twice',
      '{"code_changes":[{"path":"a","filePath":"b","operation":"delete"}]}',
      'stop',
      'wrong_shape',
      /code_changes\.0\.file_path is given twice/,
    ],
    [
      'gives a key twice',
      '{"code_changes":[],\n "code_changes":[]}',
      'stop',
      'not_json',
      /"code_changes" occurs twice, at line 2, column 2/,
    ],
    [
      'has an escape that JSON lacks',
      '{"code_changes":[{"file_path":"a","operation":"create",\n"content":"/\\d/"}]}',
      'stop',
      'not_json',
      /no escape of JSON.* line 2, column 13/,
    ],
    [
      'has an unescaped quote',
      '{"code_changes":[{"file_path":"a","operation":"create","content":"say "hi" now"}]}',
      'stop',
      'not_json',
      /quote inside the text before is not escaped, at line 1, column 72/,
    ],
    [
      'leaves something out',
      '{"code_changes":[{"file_path":"a","operation":"delete"}, ...]}',
      'stop',
      'not_json',
      /"\.\.\."/,
    ],
    [
      'has two different answers',
      `${json}\n\n${json.replace('text', 'other')}`,
      'stop',
      'ambiguous',
      /line 1, column 1; line 3, column 1\), and two of them change the same files \("a.md"\)/,
    ],
    ['is nested too deeply', '['.repeat(70) + ']'.repeat(70), 'stop', 'too_large', /64 levels/],
    [
      'has too many changes',
      JSON.stringify(Array.from({ length: 10_001 }, (_, i) => ({ file_path: `${i}`, operation: 'delete' }))),
      'stop',
      'too_large',
      /10001 changes; at most 10000/,
    ],
    ['is too long', ' '.repeat(32 * 1024 * 1024) + json, 'stop', 'too_large', /33554432 bytes/],
  ])('[AR-3.7] refuses an answer that %s, and names the place', (_form, text, finish, code, why) => {
    expect(readAnswer(text, finish)).toEqual({
      kind: 'unreadable',
      code,
      message: expect.stringMatching(why) as string,
    });
  });

  it('[AR-3.7] takes no change out of a broken list of changes', () => {
    const text = `[\n{"file_path":"a","operation":"delete"},\n{"file_path":"b" oops},\n{"file_path":"c","operation":"delete"}\n]`;
    expect(readAnswer(text, 'stop')).toMatchObject({ kind: 'unreadable', code: 'not_json' });
  });

  it('[AR-3.7] reads a change set of 2,000 files and one of 5 MB with slips in it', () => {
    const many = Array.from({ length: 2_000 }, (_, i) => `{"path":"f${i}","op":"add","content":"a\nb",},`);
    const read = readAnswer(`{"code_changes":[${many.join('\n')}]}`, 'stop');
    expect(read).toMatchObject({
      kind: 'answer',
      recovered: expect.arrayContaining(['the name path']) as string[],
    });
    const long = 'line "x"\n'.repeat(600_000);
    const big = readAnswer(`[{path:"a",op:"create",content:${JSON.stringify(long)},}]`, 'stop');
    expect(big.kind === 'answer' && big.answer.code_changes).toEqual([
      { file_path: 'a', operation: 'create', content: long },
    ]);
  });
});
