import { estimateTokens } from '@necrocode/llm';
import { trimEvidence } from './evidence.js';

/** A word for each number, so that no two lines need be alike. */
const wordOf = (number: number) =>
  ((number * 7_919) % 100_003).toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)] ?? '');

const logOf = (line: (number: number) => string, from: number) =>
  Array.from({ length: 3_000 }, (_, index) => line(from + index));

describe('trimEvidence of an output that is mostly noise', () => {
  const kinds: readonly [string, (line: number) => string][] = [
    ['lines without words of failure', (line) => `resolving part ${line} of the graph in ${line % 9} ms`],
    [
      'lines that say ERROR',
      (line) => `12:00:${line % 60} ERROR [w-${line}] request failed, expected host${line}`,
    ],
    ['long lines', (line) => `expected progress ${line} ${'x'.repeat(200)}`],
    ['lines of other words each', (line) => `${wordOf(line)} ${wordOf(line * 7)} ${wordOf(line * 13)} ok`],
  ];
  const reasons = [
    'zz_check: want <42> but got <1> in src/a.js',
    'MISMATCH at row 17: 42 vs 1',
    'values differ: 42 is not equal to 1',
    '  ✕ returns 42 (3 ms)',
    'Segmentation fault (core dumped)',
    'test one timed out after 5000 ms',
    'Killed',
    "/usr/bin/ld: a.o: in function main: multiple definition of `one'",
    'src/a.js:3: invalid number of arguments to one()',
    '不一致: 期待値 42, 実際 1',
  ];
  it.each(kinds.flatMap(([kind, line]) => reasons.map((reason) => [kind, reason, line] as const)))(
    '[AR-4.4] finds, between thousands of %s, %s',
    (_kind, reason, line) => {
      const output = [
        ...logOf(line, 0),
        'before it',
        reason,
        'after it',
        ...logOf(line, 3_000),
        '1 of 3 is bad',
      ];
      const { text } = trimEvidence(output.join('\n'), 2_000);
      expect(text).toContain(`before it\n${reason}\nafter it`);
      expect(estimateTokens(text)).toBeLessThanOrEqual(2_000);
    },
  );

  const retries = (count: number) =>
    Array.from({ length: count }, (_, line) => `    a_test.go:${line}: retry error ${line}`);
  const fields = (name: string) =>
    Array.from({ length: 900 }, (_, line) => `      "${name}${line}": "error ${line}",`);
  it.each<[string, string[], string[]]>([
    [
      'go test',
      [
        '=== RUN   TestOne',
        ...retries(400),
        '    a_test.go:900: one() = 1, want 42',
        ...retries(400),
        '--- FAIL: TestOne (0.00s)',
        'FAIL',
      ],
      ['    a_test.go:900: one() = 1, want 42'],
    ],
    [
      'pytest',
      [
        '=================================== FAILURES ===================================',
        '___________________________________ test_one ___________________________________',
        ...Array.from({ length: 700 }, (_, line) => `        error_${line} = fail(${line})`),
        '>       assert one() == 42',
        'E       assert 1 == 42',
        'E        +  where 1 = one()',
        '----------------------------- Captured log call --------------------------------',
        ...logOf((line) => `ERROR root:a.py:${line} connection error`, 0),
        '=========================== short test summary info ============================',
      ],
      ['E       assert 1 == 42', 'E        +  where 1 = one()'],
    ],
    [
      'jest',
      [
        '  ● one › returns 42',
        '    expect(received).toEqual(expected) // deep equality',
        ...fields('before'),
        '    -   "x": 42,',
        '    +   "x": 1,',
        ...fields('after'),
        'Tests:       1 failed, 1 total',
      ],
      ['    -   "x": 42,', '    +   "x": 1,'],
    ],
  ])('[AR-4.4] finds the reason within a long report of %s', (_tool, report, expected) => {
    const log = (line: number) => `12:00:${line % 60} ERROR [w-${line}] request failed: connection error`;
    const { text } = trimEvidence([...logOf(log, 0), ...report, ...logOf(log, 3_000)].join('\n'), 2_000);
    for (const line of expected) expect(text.split('\n')).toContain(line);
    expect(estimateTokens(text)).toBeLessThanOrEqual(2_000);
  });

  it('[AR-4.4] does not let one kind of lines take the room of the others', () => {
    const failures = Array.from(
      { length: 500 },
      (_, at) => `--- FAIL: Test${at} (0.00s)\n    want ${wordOf(at)}`,
    );
    const errors = logOf((line) => `error: ${wordOf(line)} expected ${wordOf(line * 3)}`, 0);
    const parts = [
      'first line',
      ...errors,
      ...failures,
      'FAIL',
      'ld: strange relocation',
      ...errors,
      'last line',
    ];
    const { text } = trimEvidence(parts.join('\n'), 3_000);
    for (const part of ['first line', '--- FAIL: Test0', 'ld: strange relocation', 'last line']) {
      expect(text).toContain(part);
    }
    // Spread over the output: of both halves of the errors, and of early and late failures.
    const [, half = ''] = text.split('ld: strange relocation');
    expect(half.match(/^error: /gm)?.length).toBeGreaterThan(3);
    const told = [...text.matchAll(/^--- FAIL: Test(\d+) /gm)].map(([, at]) => Number(at));
    expect(told.filter((at) => at < 250).length).toBeGreaterThan(3);
    expect(told.filter((at) => at >= 250).length).toBeGreaterThan(3);
  });

  it('[AR-4.4] leaves room unused rather than fill it with lines that say the same', () => {
    const part = (line: number) => `part ${line} ready`;
    const { text } = trimEvidence([...logOf(part, 0), 'MISMATCH', ...logOf(part, 3_000)].join('\n'), 6_000);
    expect(text).toContain('MISMATCH');
    expect(estimateTokens(text)).toBeLessThan(3_000);
  });
});
