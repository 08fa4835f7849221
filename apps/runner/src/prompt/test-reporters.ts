/** How a test tool (or compiler) shows a failure. Lines are clean and bounded in length. */
export interface Reporter {
  readonly name: string;
  /** Occurs only where this tool has reported; failures are looked for from here on if `after` says so. */
  readonly present: RegExp;
  /** Whether failures stand only behind the line that `present` matches. */
  readonly after?: boolean;
  /** The first line of a failure; its group is the test's name. */
  readonly start: RegExp;
  /** The first line that no longer belongs to it. Every start ends the failure before it. */
  readonly end: RegExp;
  /** The last line that still belongs to it. */
  readonly last?: RegExp;
  /** Takes this many lines before the start as well. */
  readonly lead?: number;
  /** A failure that holds such a line only repeats others. */
  readonly echo?: RegExp;
  /** The name goes on in the next line. */
  readonly nameGoesOn?: boolean;
  /** With -v, what the test said stands before its verdict: behind this word and the test's name. */
  readonly begunBy?: string;
}

const anyLine = /^/;
const notIndented = /^\S/;

export const reporters: readonly Reporter[] = [
  {
    name: 'TAP',
    present: /^\s*not ok \d/,
    start: /^\s*not ok \d+(?: (?:- )?(?!.*# (?:TODO|SKIP))(.*))?$/,
    end: /^\s*ok \d/,
    last: /^\s*\.\.\.$/,
    echo: /subtestsFailed/,
  },
  {
    name: 'node:test',
    present: /^✖ failing tests:$/,
    after: true,
    start: /^\s*✖ (.+) \([\d.]+m?s\)$/,
    end: /^\s*test at /,
    lead: 1,
  },
  {
    name: 'jest',
    present: /^(?:Test Suites:|Tests: |FAIL )/,
    start: /^ {2}● (?!Console)(.+)$/,
    end: /^(?:Test Suites:|Tests: |PASS |FAIL |Summary of all failing tests)/,
  },
  {
    name: 'vitest',
    present: /^⎯+ Failed (?:Tests|Suites)/,
    after: true,
    start: /^ *FAIL +(.+)$/,
    end: /^⎯{5,}/,
  },
  {
    name: 'mocha',
    present: /^\s+\d+ failing$/,
    after: true,
    start: /^ {2}\d+\) (.+)$/,
    end: /^\S/,
    nameGoesOn: true,
  },
  {
    name: 'Playwright',
    present: /^ {2}\d+\) (?:\[[^\]]*\] › )?\S+:\d+:\d+ › /,
    start: /^ {2}\d+\) ((?:\[[^\]]*\] › )?\S+:\d+:\d+ › .+?)(?: [─-]+)?$/,
    end: /^ {2}\d+ (?:failed|flaky|skipped|passed|did not run)/,
  },
  {
    // The reasons follow behind all names, under headings that look like any line.
    name: 'AVA',
    present: /^ {2}[✘✖] \[fail\]: /,
    start: /^ {2}[✘✖] \[fail\]: (.+)$/,
    end: anyLine,
  },
  {
    name: 'RSpec',
    present: /^Failures:$/,
    after: true,
    start: /^ {2}\d+\) (.+)$/,
    end: /^\S/,
  },
  {
    name: 'minitest and clar',
    present: /^ {2}\d+\) (?:Failure|Error):$/,
    start: /^ {2}\d+\) (?:Failure|Error):()$/,
    end: /^$/,
    nameGoesOn: true,
  },
  {
    name: 'PHPUnit',
    present: /^There (?:was|were) \d+ (?:failure|error)s?:$/,
    after: true,
    start: /^\d+\) (.+)$/,
    end: /^(?:FAILURES!|ERRORS!|--)$/,
  },
  {
    name: 'Test::More',
    present: /^# {3}Failed test/,
    start: /^# {3}Failed test '?(.+?)'?$/,
    end: /^(?:# Looks like|[^#]|$)/,
  },
  {
    name: 'googletest',
    present: /^\[ {2}FAILED {2}\] /,
    start: /^\[ {2}FAILED {2}\] (\S+?),? .*\(\d+ ms\)$/,
    end: anyLine,
    begunBy: '[ RUN      ]',
  },
  {
    name: 'ExUnit',
    present: /^\s*\d+ tests?, \d+ failures?/,
    start: /^ {2}\d+\) (test .+ \(.+\))$/,
    end: /^\S/,
  },
  {
    name: 'pytest',
    present: /^=+ (?:FAILURES|ERRORS) =+$/,
    after: true,
    start: /^_{3,} (.+) _{3,}$/,
    end: /^={5,} /,
  },
  {
    name: 'pytest summary',
    present: /^=+ short test summary info =+$/,
    after: true,
    start: /^(?:FAILED|ERROR) (\S+)/,
    end: anyLine,
  },
  {
    name: 'unittest',
    present: /^Ran \d+ tests? in /,
    start: /^(?:FAIL|ERROR): (.+)$/,
    end: /^(?:={20,}$|Ran \d+ )/,
  },
  {
    name: 'go test',
    present: /^\s*--- FAIL: /,
    start: /^\s*--- FAIL: (\S+)/,
    end: /^(?:\s*--- |===|FAIL\b|PASS\b|ok\s|\?\s|exit status)/,
    begunBy: '=== RUN',
  },
  { name: 'go panic', present: /^panic: /, start: /^(panic: .*)$/, end: /^(?:FAIL\s|exit status)/ },
  {
    name: 'go build',
    present: /\[(?:build|setup) failed\]/,
    start: /^# (\S+.*)$/,
    end: /^(?:FAIL|ok|\?|---)/,
  },
  {
    name: 'cargo test',
    present: /^---- .+ stdout ----$/,
    start: /^---- (.+) stdout ----$/,
    end: /^failures:$/,
  },
  {
    name: 'rustc',
    present: /^error: could not compile/,
    start: /^(error(?:\[E\d+\])?: (?!could not compile).+)$/,
    end: /^$/,
  },
  {
    name: 'surefire',
    present: /<<< (?:FAILURE|ERROR)!/,
    start: /^(?:\[ERROR\] +)?(?!Tests run:)([^\s[]\S*) .*<<< (?:FAILURE|ERROR)!$/,
    end: /^(?:$|\[(?:INFO|ERROR|WARNING)\])/,
  },
  {
    name: 'javac',
    present: /COMPILATION ERROR|Compilation failed/,
    start: /^(?:\[ERROR\] |e: )?(\S+\.(?:java|kt|scala):.+)$/,
    end: /^(?:\[|\S)/,
  },
  {
    name: 'gradle',
    present: /^\d+ tests? completed, \d+ failed|^> Task \S+ FAILED$/,
    start: /^(?!> )(\S.* > .+) FAILED$/,
    end: /^\S/,
  },
  {
    name: 'dotnet',
    present: /^\s*(?:Failed! {2}- |Test Run Failed)/,
    start: /^ {2}Failed (\S.*?)(?: \[[^\]]*\])?$/,
    end: /^(?: {2}(?:Passed|Skipped) |\s*Failed! |\s*Test Run Failed|\S)/,
  },
  {
    name: 'csc',
    present: /\): error CS\d+:/,
    start: /^\s*(\S.*\(\d+,\d+\): error CS\d+: .*)$/,
    end: anyLine,
  },
  {
    name: 'tsc',
    present: /error TS\d+:/,
    start: /^(\S+[(:]\d+[,:]\d+\)?(?::| -) error TS\d+: .*)$/,
    end: notIndented,
  },
];
