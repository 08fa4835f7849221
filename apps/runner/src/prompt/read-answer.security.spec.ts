import { readAnswer } from './read-answer.js';

const change = '{"file_path":"a.txt","operation":"create","content":"x"}';

describe('an answer that wants more than changes', () => {
  it.each([
    ['__proto__ beside the changes', `{"code_changes":[${change}],"__proto__":{"polluted":1}}`],
    ['__proto__ in a change', `{"code_changes":[{"__proto__":{"polluted":1},${change.slice(1)}]}`],
    [
      'constructor in a change',
      `{"code_changes":[{"constructor":{"prototype":{"polluted":1}},${change.slice(1)}]}`,
    ],
    ['__proto__ as a repaired name', `{code_changes:[{'__proto__':{'polluted':1},${change.slice(1)}]}`],
    ['commands', `{"code_changes":[${change}],"test_commands":["true"]}`],
    ['a branch', `{"code_changes":[${change}],"branch_name":"main"}`],
    ['another repository', `{"code_changes":[${change}],"repo_url":"https://evil.example/x.git"}`],
    ['rights', `{"code_changes":[${change}],"network":true,"sandbox":"none"}`],
  ])('[AR-10.3] is told back for %s', (_what, text) => {
    const read = readAnswer(text, 'stop', { format: 'json' });
    expect(read).toMatchObject({ kind: 'unreadable' });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
