import { readAnswer } from './read-answer.js';

const document = {
  code_changes: [{ file_path: 'a.md', operation: 'create', content: 'text\n```js\n{ "a": 1 }\n```\n' }],
  explanation: 'why',
};
const json = JSON.stringify(document);

describe('readAnswer', () => {
  it.each([
    ['plain', json],
    ['pretty-printed', JSON.stringify(document, null, 2)],
    ['fenced', '```json\n' + json + '\n```'],
    ['with prose before and after', `Here it is:\n${json}\nHope this helps.`],
    ['fenced with prose', 'Sure.\n\n```json\n' + json + '\n```\nDone.'],
    ['behind a byte order mark', `\uFEFF${json}`],
  ])('[AR-3.7] reads an answer that is %s', (_form, text) => {
    expect(readAnswer(text, 'stop')).toEqual({ kind: 'answer', answer: document });
  });

  it.each([
    ['was cut off by the limit', json, 'length', /cut off/],
    ['does not close', json.slice(0, -20), 'stop', /not the asked-for JSON/],
    ['is empty', '  ', 'stop', /empty/],
    ['is prose', 'I would rather not.', 'stop', /not the asked-for JSON/],
    ['has an unknown field', '{"code_changes":[],"patch":""}', 'stop', /patch: unknown field/],
    [
      'lacks a field',
      '{"code_changes":[{"operation":"create","file_path":"a"}]}',
      'stop',
      /code_changes\.0\.content/,
    ],
  ])('[AR-3.7] refuses an answer that %s, and says why', (_form, text, finish, why) => {
    const read = readAnswer(text, finish);
    expect(read).toEqual({ kind: 'unreadable', message: expect.stringMatching(why) as string });
  });
});
