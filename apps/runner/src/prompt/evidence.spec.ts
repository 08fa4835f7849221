import { estimateTokens } from '@necrocode/llm';
import type { CommandReport } from '../pipeline/stages/run-commands.js';
import { trimEvidence } from './evidence.js';
import { tellFailingTests } from './feedback.js';

const noise = (word: string) =>
  Array.from({ length: 3_000 }, (_, line) => `  ${word} ${line} ready in ${line % 7} ms`);

/** As the tools print it: name of the tool, output around the failure, the failing test, its reason. */
const reports: readonly [string, string, string, string][] = [
  [
    'node:test as TAP',
    `TAP version 13
# Subtest: math
    # Subtest: subtracts
    not ok 1 - subtracts
      ---
      duration_ms: 0.77083
      failureType: 'testCodeFailure'
      error: |-
        Expected values to be strictly equal:

        2 !== 1

      code: 'ERR_ASSERTION'
      ...
    1..1
not ok 2 - math
  ---
  failureType: 'subtestsFailed'
  error: '1 subtest failed'
  ...
# fail 1`,
    'subtracts',
    '2 !== 1',
  ],
  [
    'node:test as a list',
    `▶ math
  ✖ subtracts (1.231817ms)
✖ math (4.479501ms)
ℹ fail 1

✖ failing tests:

test at a.test.mjs:3:26
✖ subtracts (1.231817ms)
  AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

  2 !== 1

      at TestContext.<anonymous> (file:///w/a.test.mjs:3:59)`,
    'subtracts',
    '2 !== 1',
  ],
  [
    'jest',
    `FAIL ./a.test.cjs
  ✓ ok (1 ms)
  math
    ✕ adds (41 ms)

  ● math › adds

    expect(received).toBe(expected) // Object.is equality

    Expected: 3
    Received: -1

      at Object.<anonymous> (a.test.cjs:1:102)

Test Suites: 1 failed, 1 total`,
    'math › adds',
    '    Received: -1',
  ],
  [
    'vitest',
    ` ❯ src/a.test.ts (1)
⎯⎯⎯⎯⎯⎯⎯ Failed Tests 1 ⎯⎯⎯⎯⎯⎯⎯

 FAIL  src/a.test.ts > math > adds
AssertionError: expected -1 to be 3 // Object.is equality
 ❯ src/a.test.ts:5:21
⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯[1/1]⎯`,
    'src/a.test.ts > math > adds',
    'AssertionError: expected -1 to be 3 // Object.is equality',
  ],
  [
    'mocha',
    `  math
    1) adds

  0 passing (3ms)
  1 failing

  1) math
       adds:

      AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:

-1 !== 3

      at Context.<anonymous> (test/a.js:3:10)`,
    'math adds:',
    '-1 !== 3',
  ],
  [
    'pytest',
    `F                                                                        [100%]
=================================== FAILURES ===================================
__________________________________ T.test_add __________________________________

    def test_add(self):
>       self.assertEqual(add(1,2), 3)
E       AssertionError: -1 != 3

test_a.py:5: AssertionError
=========================== short test summary info ============================
FAILED test_a.py::T::test_add - AssertionError: -1 != 3
1 failed in 3.06s`,
    'T.test_add',
    'E       AssertionError: -1 != 3',
  ],
  [
    'unittest',
    `F
======================================================================
FAIL: test_add (test_a.T.test_add)
----------------------------------------------------------------------
Traceback (most recent call last):
  File "test_a.py", line 5, in test_add
    self.assertEqual(add(1,2), 3)
AssertionError: -1 != 3

----------------------------------------------------------------------
Ran 1 test in 0.000s

FAILED (failures=1)`,
    'test_add (test_a.T.test_add)',
    'AssertionError: -1 != 3',
  ],
  [
    'go test',
    `=== RUN   TestOk
--- PASS: TestOk (0.00s)
=== RUN   TestAdd
    add_test.go:9: got -1, want 3
--- FAIL: TestAdd (0.00s)
FAIL
exit status 1
FAIL	example.com/m	0.002s`,
    'TestAdd',
    '    add_test.go:9: got -1, want 3',
  ],
  [
    'go build',
    `# example.com/m [example.com/m.test]
./add.go:3:9: undefined: sum
FAIL	example.com/m [build failed]`,
    'example.com/m [example.com/m.test]',
    './add.go:3:9: undefined: sum',
  ],
  [
    'cargo test',
    `running 2 tests
test tests::ok ... ok
test tests::adds ... FAILED

failures:

---- tests::adds stdout ----

thread 'tests::adds' (29007) panicked at src/lib.rs:2:45:
assertion \`left == right\` failed
  left: -1
 right: 3


failures:
    tests::adds

test result: FAILED. 1 passed; 1 failed; 0 ignored`,
    'tests::adds',
    '  left: -1',
  ],
  [
    'rustc',
    `   Compiling cr v0.1.0
error[E0308]: mismatched types
 --> src/lib.rs:3:17
  |
3 | fn x() -> i32 { "a" }
  |           ---   ^^^ expected \`i32\`, found \`&str\`

error: could not compile \`cr\` (lib test) due to 1 previous error`,
    'error[E0308]: mismatched types',
    ' --> src/lib.rs:3:17',
  ],
  [
    'maven',
    `[INFO] Running com.x.FooTest
[ERROR] Tests run: 1, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.05 s <<< FAILURE! - in com.x.FooTest
[ERROR] com.x.FooTest.adds  Time elapsed: 0.01 s  <<< FAILURE!
org.opentest4j.AssertionFailedError: expected: <3> but was: <-1>
	at com.x.FooTest.adds(FooTest.java:9)

[INFO] Results:`,
    'com.x.FooTest.adds',
    'org.opentest4j.AssertionFailedError: expected: <3> but was: <-1>',
  ],
  [
    'gradle',
    `> Task :test FAILED

FooTest > adds() FAILED
    org.opentest4j.AssertionFailedError: expected: <3> but was: <-1>
        at FooTest.adds(FooTest.java:9)

1 test completed, 1 failed`,
    'FooTest > adds()',
    '    org.opentest4j.AssertionFailedError: expected: <3> but was: <-1>',
  ],
  [
    'dotnet test',
    `Starting test execution, please wait...
  Failed Calc.Tests.Adds [12 ms]
  Error Message:
   Assert.Equal() Failure: Values differ
Expected: 3
Actual:   -1
  Stack Trace:
     at Calc.Tests.Adds() in /src/Tests.cs:line 9

Failed!  - Failed:     1, Passed:     0, Skipped:     0, Total:     1`,
    'Calc.Tests.Adds',
    '   Assert.Equal() Failure: Values differ',
  ],
  [
    'bats',
    `ok 1 starts
not ok 2 returns 42
# (in test file a.bats, line 3)
#   \`[ "$output" = 42 ]' failed
ok 3 ends`,
    'returns 42',
    '#   `[ "$output" = 42 ]\' failed',
  ],
  [
    'RSpec',
    `Failures:

  1) Basket sums up
     Failure/Error: expect(basket.total).to eq(42)

       expected: 42
            got: 41

       (compared using ==)
     # ./spec/basket_spec.rb:4:in \`block (2 levels) in <top (required)>'

Finished in 0.01 seconds (files took 0.1 seconds to load)
1 example, 1 failure`,
    'Basket sums up',
    '            got: 41',
  ],
  [
    'PHPUnit',
    `There was 1 failure:

1) BasketTest::testTotal
Failed asserting that 41 is identical to 42.

/app/BasketTest.php:9

FAILURES!
Tests: 1, Assertions: 1, Failures: 1.`,
    'BasketTest::testTotal',
    'Failed asserting that 41 is identical to 42.',
  ],
  [
    'clar',
    `Loaded 3 suites:
Started (test status codes: OK='.' FAILURE='F' SKIPPED='S')
..F

  1) Failure:
core::basket__total [tests/core/basket.c:33]
  basket_total(&b) != 42
  41 != 42
`,
    'core::basket__total [tests/core/basket.c:33]',
    '  41 != 42',
  ],
  [
    'minitest',
    `  1) Failure:
BasketTest#test_total [test/basket_test.rb:7]:
Expected: 42
  Actual: 41

1 runs, 1 assertions, 1 failures, 0 errors, 0 skips`,
    'BasketTest#test_total [test/basket_test.rb:7]:',
    '  Actual: 41',
  ],
  [
    'prove',
    `t/basket.t ..
#   Failed test 'total'
#   at t/basket.t line 3.
#          got: '41'
#     expected: '42'
# Looks like you failed 1 test of 1.
Dubious, test returned 1 (wstat 256, 0x100)`,
    'total',
    "#          got: '41'",
  ],
  [
    'Playwright',
    `  1) [chromium] › basket.spec.ts:3:5 › basket › sums up ───────────

    Error: expect(received).toBe(expected) // Object.is equality

    Expected: 42
    Received: 41

  1 failed`,
    '[chromium] › basket.spec.ts:3:5 › basket › sums up',
    '    Received: 41',
  ],
  [
    'AVA',
    `  ✘ [fail]: sums up
  ─

  sums up
  basket.js:3

   3:   t.is(total(), 42);

  Difference (- actual, + expected):

  - 41
  + 42
  ─
  1 test failed`,
    'sums up',
    '  - 41',
  ],
  [
    'googletest',
    `[ RUN      ] Basket.total
basket_test.cc:12: Failure
Expected equality of these values:
  total()
    Which is: 41
  42
[  FAILED  ] Basket.total (0 ms)
[  FAILED  ] 1 test, listed below:`,
    'Basket.total',
    '    Which is: 41',
  ],
  [
    'ExUnit',
    `  1) test sums up (BasketTest)
     test/basket_test.exs:3
     Assertion with == failed
     code:  assert total() == 42
     left:  41
     right: 42

1 test, 1 failure`,
    'test sums up (BasketTest)',
    '     left:  41',
  ],
  [
    'tsc',
    `src/a.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'.`,
    `src/a.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'.`,
    `src/a.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'.`,
  ],
];

describe('trimEvidence', () => {
  it.each(reports)(
    '[AR-4.4] keeps the reason that %s gives, within the budget',
    (_tool, report, test, reason) => {
      const output = [...noise('before'), report, ...noise('after')].join('\n');
      const evidence = trimEvidence(output, 500);
      expect(evidence.failingTests[0]).toBe(test);
      expect(evidence.text).toMatch(/^Failing tests \(\d+\):\n/);
      expect(evidence.text.split('\n').map((line) => line.trim())).toContain(reason.trim());
      expect(estimateTokens(evidence.text)).toBeLessThanOrEqual(500);
      expect(evidence.text).toContain('  before 0 ready');
      expect(evidence.text).toContain('  after 2999 ready');
      expect(evidence.text).toMatch(/\[… \d+ lines left out …\]/);
    },
  );

  it.each(reports)(
    '[AR-4.4] finds the same failing test of %s in colours and with CRLF',
    (_tool, report, test) => {
      const coloured = report.split('\n').map((line) => `\u001b[1m\u001b[31m${line}\u001b[39m\u001b[22m`);
      expect(trimEvidence(coloured.join('\r\n'), 5_000).failingTests[0]).toBe(test);
    },
  );

  it('[AR-4.4] gives each of many failures a part', () => {
    const failures = Array.from({ length: 12 }, (_, index) =>
      [
        `--- FAIL: Test${index} (0.00s)`,
        `    a_test.go:${index}: want ${index}`,
        ...noise(`log${index}`).slice(0, 80),
      ].join('\n'),
    );
    const { text, failingTests } = trimEvidence([...failures, 'FAIL'].join('\n'), 1_200);
    expect(failingTests).toHaveLength(12);
    for (let index = 0; index < 12; index += 1) expect(text).toContain(`a_test.go:${index}: want ${index}`);
    expect(estimateTokens(text)).toBeLessThanOrEqual(1_200);
  });

  it('[AR-4.4] keeps the lines around an error of a tool it does not know', () => {
    const output = [
      ...noise('a'),
      'checking x.zig',
      'x.zig:3: error: expected u8',
      'found i8',
      ...noise('b'),
    ];
    expect(trimEvidence(output.join('\n'), 300).text).toContain(
      'checking x.zig\nx.zig:3: error: expected u8\nfound i8',
    );
  });

  it('[AR-4.4] counts every line that it leaves out', () => {
    const lines = noise('a');
    const { text, linesLeftOut } = trimEvidence(lines.join('\n'), 400);
    const said = [...text.matchAll(/\[… (\d+) lines? left out …\]/g)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    );
    expect(said).toBe(linesLeftOut);
    expect(text.split('\n').filter((line) => lines.includes(line))).toHaveLength(lines.length - linesLeftOut);
  });

  it('[AR-4.4] shows a short output whole, without escapes, progress and repetitions', () => {
    const output = `\u001b]0;title\u0007 1%\r 50%\r100%\n\u001b[31mred\u001b[0m\nsame\nsame\nsame\nend\u0007\n\n${'x'.repeat(5_000)}\n`;
    expect(trimEvidence(output, 1_000).text).toBe(
      `100%\nred\nsame\n[the line above 2 more times]\nend\n\n${'x'.repeat(700)} [… 4050 characters left out …] ${'x'.repeat(250)}`,
    );
  });

  it('[AR-4.4] comes to an end on large outputs without line ends or with hostile lines', () => {
    for (const output of [
      '_'.repeat(3e6),
      '\u001b['.repeat(1e6),
      'a '.repeat(1e6),
      '___ \n'.repeat(3e5),
      '✖ a ('.repeat(3e5),
    ]) {
      expect(estimateTokens(trimEvidence(output, 200).text)).toBeLessThanOrEqual(200);
    }
  });
});

describe('tellFailingTests', () => {
  const run = (command: string, output: string, passed = false): CommandReport => ({
    command,
    output,
    passed,
    exitCode: passed ? 0 : 1,
    durationMs: 1,
    limitHit: null,
    refusedHosts: [],
    stdout: output,
    stderr: '',
  });

  it('[AR-4.4] shares the budget among the failing commands, and tells nothing of those that passed', () => {
    const [, report] = reports[2] ?? [];
    const runs = [
      run('lint', 'short'),
      run('build', 'fine', true),
      run('test', `${noise('a').join('\n')}\n${report}`),
    ];
    const { content } = tellFailingTests(runs, [{ path: 'a.ts', text: 'x' }], 800);
    expect(content).toContain('$ lint\n(exit code 1)\nshort');
    expect(content).not.toContain('$ build');
    expect(content).toContain('Received: -1');
    expect(estimateTokens(content)).toBeLessThan(950);
  });
});
