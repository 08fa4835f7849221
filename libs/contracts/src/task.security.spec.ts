import { mostTaskBytes } from './read-json.js';
import { keyOfCancelSubject } from './subjects.js';
import { formatProblems, parseTask } from './task.js';

const task = {
  spec_name: 's',
  task_id: '1.0',
  title: 'A title',
  description: 'what to do\nin two lines',
  repo_url: 'https://example.org/x.git',
};
const withMetadata = (json: string) => `${JSON.stringify(task).slice(0, -1)},"metadata":${json}}`;

describe('a task that strangers wrote', () => {
  it.each<[string, string, string]>([
    ['__proto__ at the top', `{"__proto__":{"title":"x"},${JSON.stringify(task).slice(1)}`, '__proto__'],
    ['__proto__ in metadata', withMetadata('{"__proto__":{"polluted":1}}'), 'metadata.__proto__'],
    [
      'constructor deep inside',
      withMetadata('{"a":[{"constructor":{"prototype":{"polluted":1}}}]}'),
      'metadata.a.0.constructor',
    ],
    ['nesting without end', withMetadata(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), 'metadata.0.0'],
    ['too many bytes', withMetadata(`{"a":"${'x'.repeat(1_048_576)}"}`), '(body)'],
    ['a title that moves the cursor', JSON.stringify({ ...task, title: '\u001b]0;title\u0007' }), 'title'],
    ['a title that turns around', JSON.stringify({ ...task, title: 'abc\u202etxt.exe' }), 'title'],
    ['a title with a control sequence of one byte', JSON.stringify({ ...task, title: '\u009b2J' }), 'title'],
    ['a command with NUL', JSON.stringify({ ...task, test_commands: ['a\0b'] }), 'test_commands.0'],
    ['a description with NUL', JSON.stringify({ ...task, description: 'a\0b' }), 'description'],
    ['a branch that turns around', JSON.stringify({ ...task, branch_name: 'x\u2067y' }), 'branch_name'],
    ['a field that says where commands come from', JSON.stringify({ ...task, commands: ['id'] }), 'commands'],
  ])('[AR-10.3] is refused for %s, by the name of its field', (_what, body, field) => {
    const parsed = parseTask(body);
    expect(parsed).toMatchObject({ kind: 'invalid', problems: [{ field }] });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('[AR-10.3] keeps its key where that can be read, so that its refusal is told', () => {
    const key = { specName: 's', taskId: '1.0' };
    expect(parseTask(withMetadata('{"__proto__":1}'))).toMatchObject({ key });
    expect(parseTask('[')).toMatchObject({ kind: 'invalid', key: undefined });
  });

  it('[AR-1.2] keeps its key also where it is too large, and names the limit', () => {
    const parsed = parseTask(withMetadata(`{"a":"${'x'.repeat(mostTaskBytes)}"}`));
    expect(parsed).toMatchObject({ key: { specName: 's', taskId: '1.0' } });
    expect(parsed.kind === 'invalid' && formatProblems(parsed.problems)).toMatch(/a task may have 786432$/);
  });

  it('[AR-1.2] has its problems named in a message of bounded length', () => {
    const odd = Object.fromEntries(Array.from({ length: 39_500 }, (_, n) => [`unknown-${n}`, 1]));
    const parsed = parseTask(JSON.stringify({ ...task, ...odd }));
    const text = parsed.kind === 'invalid' ? formatProblems(parsed.problems) : '';
    expect(text.length).toBeLessThan(30_000);
    expect(text).toMatch(/^unknown-0: unknown field; .*; and \d{5} more$/);
  });

  it('[AR-10.3] may say anything in words', () => {
    const odd = { ...task, description: 'tab\t, escape \u001b[0m, עברית', metadata: { note: { deep: [1] } } };
    expect(parseTask(JSON.stringify(odd)).kind).toBe('task');
  });

  it('[AR-10.3] is not cancelled by a subject that holds no key', () => {
    expect(keyOfCancelSubject('necrocode.control.cancel.s.1.0')).toEqual({ specName: 's', taskId: '1.0' });
    expect(keyOfCancelSubject('necrocode.control.cancel.s.../x')).toBeUndefined();
    expect(keyOfCancelSubject('necrocode.control.cancel.__proto__.1')).toBeUndefined();
  });
});
