import { parseScript, ScriptError } from './script.js';

describe('parseScript', () => {
  it('[AR-3.2] reads the documented form', () => {
    const script = parseScript(`
tasks:
  chat-app/1.1:
    - { delay_ms: 100, fault: { status: 429, retry_after: 2 } }
    - { fault: hang }
    - { fault: cut_off }
    - { finish_reason: length, text: '{"code_changes": [' }
    - answer: { code_changes: [], explanation: "…" }
      usage: { input_tokens: 10, output_tokens: 5 }
default: [{ text: hello }]
`);
    expect(script.tasks?.['chat-app/1.1']).toHaveLength(5);
    expect(script.default).toEqual([{ text: 'hello' }]);
  });

  it('[AR-3.2] takes JSON exactly as it is', () => {
    const text = ' \u0000\u0085\u2028\ufeff\ud83d\ude00\ud800\t# x: [y]\r\n  ';
    expect(parseScript(JSON.stringify({ default: [{ text }] })).default).toEqual([{ text }]);
  });

  it('[AR-3.2] names every problem', () => {
    const bad = {
      tasks: { 'no key': [{ text: 'x' }], 'a/1': [{ text: 'x', fault: 'hang' }, { fault: 'explode' }] },
      default: [],
      extra: 1,
    };
    const problems = problemsOf(bad);
    expect(problems).toEqual(
      expect.arrayContaining([
        'tasks.no key: must be of the form <spec>/<id>',
        'tasks.a/1.0: needs exactly one of fault, text and answer',
        expect.stringMatching(/^tasks\.a\/1\.1\.fault: must be hang, cut_off or/) as string,
        expect.stringMatching(/^default: /) as string,
        expect.stringContaining('extra') as string,
      ]),
    );
  });

  it.each(['a: [', 'a: b: c', '*unknown', 'null', '[]'])('[AR-3.2] refuses %j', (text) => {
    expect(() => parseScript(text)).toThrow(ScriptError);
  });
});

function problemsOf(source: unknown): string[] {
  try {
    parseScript(source);
    return [];
  } catch (error) {
    return error instanceof ScriptError ? error.message.split('\n') : [];
  }
}
