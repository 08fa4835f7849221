import { applyEdits } from './change-content.js';
import { matchEdit } from './match-edit.js';

const file = [
  'export function loadUser(id: string) {',
  '  const user = users.get(id);',
  '  if (!user) throw new Error("no user");',
  '  audit("load", user.name);',
  '  return user;',
  '}',
  '',
].join('\n');

describe('an edit is found at the strictest layer that has one place for it', () => {
  it.each<[string, string, string, string, string, string]>([
    ['part of a line', file, 'users.get(id)', 'users.find(id)', 'exact', file.replace('get(id)', 'find(id)')],
    [
      'LF in a file with CRLF',
      'a\r\nb\r\nc\r\n',
      'a\nb\n',
      'a\nB\nx\n',
      'line_endings',
      'a\r\nB\r\nx\r\nc\r\n',
    ],
    ['CRLF in a file with LF', 'a\nb\nc\n', 'a\r\nb\r\n', 'a\r\nB\r\n', 'line_endings', 'a\nB\nc\n'],
    [
      'LF for mixed endings',
      'a\r\nb\nc\r\nd\n',
      'a\nb\nc\n',
      'a\nx\nc\n',
      'line_endings',
      'a\r\nx\r\nc\r\nd\n',
    ],
    ['one line that becomes two', 'a\r\nb\r\n', 'a', 'a\nx', 'line_endings', 'a\r\nx\r\nb\r\n'],
    ['parts of lines', 'xa\r\nby\r\n', 'a\nb', 'c\nd', 'line_endings', 'xc\r\ndy\r\n'],
    ['no break at the end', 'a \nb', 'a\nb\n', 'a\nc\nd\n', 'trailing_space', 'a \nc\nd'],
    ['white space at ends', 'a \nb\t\nc\n', 'a\nb\nc\n', 'a\nB\nc\n', 'trailing_space', 'a \nB\nc\n'],
    [
      'blank lines with spaces',
      'foo\n   \nbar\n',
      'foo\n\nbar\n',
      'foo\n\nbaz\n',
      'trailing_space',
      'foo\n   \nbaz\n',
    ],
    [
      'another indentation, the replacement with it',
      '    if (ready) {\n      start();\n    }\n',
      'if (ready) {\n  start();\n}\n',
      'if (ready) {\n  begin();\n  start();\n}\n',
      'indentation',
      '    if (ready) {\n      begin();\n      start();\n    }\n',
    ],
    [
      'spaces for tabs',
      '\tif (ready) {\n\t\tstart();\n\t}\n',
      '    if (ready) {\n        start();\n    }\n',
      '    if (ready) {\n        if (so) {\n            start();\n        }\n    }\n',
      'indentation',
      '\tif (ready) {\n\t\tif (so) {\n\t\t\tstart();\n\t\t}\n\t}\n',
    ],
    [
      'two columns for four',
      'def run():\n    first()\n    if ok:\n        second()\n',
      'def run():\n  first()\n  if ok:\n    second()\n',
      'def run():\n  first()\n  if ok:\n    third()\n',
      'indentation',
      'def run():\n    first()\n    if ok:\n        third()\n',
    ],
    [
      'the first line without its indentation',
      '  foo(1);\t\n  bar(2);\n',
      'foo(1);\n  bar(2);',
      'foo(2);\n  bar(2);',
      'indentation',
      '  foo(2);\n  bar(2);\n',
    ],
    [
      'one line without its indentation, which becomes two',
      'def f():\n    if a:\n        foo()\n    return 1\n',
      'foo()\n',
      'foo()\nbar()\n',
      'indentation',
      'def f():\n    if a:\n        foo()\n        bar()\n    return 1\n',
    ],
    [
      'a break at its start in a text with CRLF',
      'alpha();\r\nbeta();\r\n',
      '\nbeta();',
      '\ngamma();\nbeta();',
      'line_endings',
      'alpha();\r\ngamma();\r\nbeta();\r\n',
    ],
    [
      'levels of half the width, new ones included',
      'def f():\n    first()\n    second()\n',
      '  first()\n  second()\n',
      '  first()\n  second()\n\ndef g():\n  third()\n',
      'indentation',
      'def f():\n    first()\n    second()\n\ndef g():\n    third()\n',
    ],
    [
      'a blank line that keeps its bytes',
      '    \n    first();\n    second();\n',
      '    \n  first();\n  second();\n',
      '    \n  first();\n  third();\n',
      'indentation',
      '    \n    first();\n    third();\n',
    ],
    [
      'a replacement in the indentation of the file',
      '    first();\n    second();\n',
      'first();\nsecond();\t\n',
      '    first();\n    third();\n',
      'indentation',
      '    first();\n    third();\n',
    ],
    [
      'a line of context that is stale',
      file,
      file.replace('no user', 'nobody'),
      file.replace('no user', 'nobody').replace('return user;', 'return { ...user };'),
      'similarity',
      file.replace('return user;', 'return { ...user };'),
    ],
    [
      'a line of context that was left out',
      file,
      file.replace('  const user = users.get(id);\n', ''),
      file.replace('  const user = users.get(id);\n', '').replace('return user;', 'return null;'),
      'similarity',
      file.replace('return user;', 'return null;'),
    ],
  ])('[AR-3.3] finds %s', (_what, text, search, replace, layer, expected) => {
    const edited = applyEdits(Buffer.from(text), [{ search, replace }]);
    expect(edited).toMatchObject({ kind: 'edited', layers: [layer] });
    if (edited.kind === 'edited') expect(edited.bytes.toString()).toBe(expected);
  });

  it('[AR-3.3] lets a later edit find what an earlier one wrote', () => {
    const edits = [
      { search: 'a\nb\n', replace: 'a\nnew\nb\n' },
      { search: 'new \nb\n', replace: 'newer\nb\n' },
      { search: 'newer', replace: 'newest' },
    ];
    const edited = applyEdits(Buffer.from('a\r\nb\r\n'), edits);
    expect(edited).toMatchObject({ layers: ['line_endings', 'trailing_space', 'exact'] });
    if (edited.kind === 'edited') expect(edited.bytes.toString()).toBe('a\r\nnewest\r\nb\r\n');
  });
});

const twins = ['User', 'Order']
  .map((name) =>
    [
      `function save${name}(row) {`,
      '  validate(row, strict);',
      '  const stored = table.put(row);',
      '  notify(stored.id, "saved");',
      '  return stored;',
      '}',
      '',
    ].join('\n'),
  )
  .join('\n');
const saveUser = twins.slice(0, twins.indexOf('\nfunction saveOrder'));

describe('an edit whose place is in doubt is refused', () => {
  it.each<[string, string, string, string, RegExp]>([
    [
      'two places',
      'a\nb\na\n',
      'a',
      'c',
      /occurs 2 times \(lines 1, 3\).*\n {2}line 1: "a"\n {2}line 3: "a" \(after "b"\)/,
    ],
    [
      'two places but for endings',
      'a\r\nb\r\na\r\nb\r\n',
      'a\nb\n',
      '',
      /2 times but for its line endings \(lines 1, 3\)/,
    ],
    [
      'two places but for white space',
      'a \nb\na\t\nb\n',
      'a\nb\n',
      '',
      /white space at line ends \(lines 1, 3\)/,
    ],
    ['two indentations', ' foo()\n  foo()\n', '\tfoo()\n', '', /but for its indentation \(lines 1, 2\)/],
    ['a bracket elsewhere', 'a\n  }\n', '      }\n', '', /does not occur/],
    [
      'a sibling, when the block itself is gone',
      twins.replace(saveUser, ''),
      saveUser,
      saveUser.replace('return stored', 'return null'),
      /about something else/,
    ],
    [
      'a sibling, when the block itself is stale',
      twins.replace('validate(row, strict)', 'check(row)'),
      saveUser,
      saveUser.replace('return stored', 'return null'),
      /lines 9–13, 1–6 resemble it, but other places resemble it as well/,
    ],
    [
      'a copy in the indentation of the search, when the block is stale',
      `${file.replace('audit("load"', 'audit("read"')}${file.replace(/^(?=.)/gm, '    ')}`,
      file,
      file.replace('return user', 'return null'),
      /occurs 2 times or almost so \(lines 1, 7\)/,
    ],
    [
      'a changed line that is stale',
      file,
      file.replace('return user', 'return one'),
      file.replace('return user', 'return two'),
      /do not stand there/,
    ],
    [
      'an edit that was made before',
      file,
      file.replace('return user', 'return one'),
      file,
      /the replacement stands there already \(line 1\)/,
    ],
    ['half a word', 'reset(user);\n', 'set(user);\n', 'put(user);\n', /does not occur/],
    [
      'lines without indentation that may start anew',
      'def f():\n    foo()\n',
      'foo()\n',
      'foo()\n\ndef g():\n    pass\n',
      /can be read in two ways/,
    ],
    [
      'two lines that are stale',
      'one(1);\ntwo(2);\n',
      'one(1);\ntwo(3);\n',
      'x',
      /line 2 is "two\(2\);", not "two\(3\);"/,
    ],
    [
      'an insertion where the file has another',
      file.replace('  return user;', '  touch(user);\n  return user;'),
      file,
      file.replace('  return user;', '  log(user);\n  return user;'),
      /do not stand there/,
    ],
    [
      'a replacement whose indentation can be read in two ways',
      '    first();\n    second();\n',
      'first();\nsecond();\t\n',
      '  third();\n  fourth();\n',
      /in two ways/,
    ],
  ])('[AR-3.3] refuses %s', (_what, text, search, replace, message) => {
    const match = matchEdit(text, { search, replace });
    if (match.kind === 'match') throw new Error(JSON.stringify(match));
    expect(match.message).toMatch(message);
  });

  it('[AR-3.3] says the nearest text with its numbers and the first line that differs', () => {
    const match = matchEdit(`x\n${file}`, { search: file.replaceAll('user', 'account'), replace: '' });
    expect(match).toMatchObject({
      kind: 'absent',
      message: expect.stringMatching(
        /line 3 is "  const user = users.get\(id\);", not "  const account = .*\n.*2\| export/,
      ) as string,
    });
  });

  it('[AR-3.3] says the nearest text of a single line, and what the search has above the first one', () => {
    const near = matchEdit('export function one() {\n  return 1;\n}\n', {
      search: 'return 77;',
      replace: '',
    });
    expect(near).toMatchObject({
      message: expect.stringMatching(
        /nearest text is at lines 2–2: line 2 is " {2}return 1;", not "return 77;"/,
      ) as string,
    });
    const above = matchEdit('alpha();\nbeta(1);\n', { search: 'gone();\nalpha();\nbeta(2);\n', replace: '' });
    expect(above).toMatchObject({
      message: expect.stringMatching(
        /begins with "alpha\(\);", and the search has "gone\(\);" above that/,
      ) as string,
    });
  });

  it('[AR-3.3] keeps what it says short, whatever the file is', () => {
    const long = 'word '.repeat(10_000);
    for (const [text, search] of [
      [`${long}\n`.repeat(300), long],
      [`${long}a\n`.repeat(30), `${long}b\nc`],
      ['x\n'.repeat(1000), 'x'],
    ] as const) {
      const match = matchEdit(text, { search, replace: 'y' });
      if (match.kind === 'match') throw new Error('matched');
      expect(match.message.length).toBeLessThan(5000);
    }
  });
});

describe('the time of a search is bounded', () => {
  it.each<[string, string, string]>([
    ['one long line of one character', 'a'.repeat(3_000_000), `b${'a'.repeat(1_000_000)}`],
    ['many overlapping places', 'a'.repeat(3_000_000), 'a'.repeat(1_000_000)],
    ['many equal lines', 'x\n'.repeat(200_000), `${'x\n'.repeat(50_000)}y\n`],
    ['many equal lines in another indentation', 'xxx\n'.repeat(200_000), ' xxx\n'.repeat(50_000)],
    ['many lines that almost fit', 'abc\ndef\nghi\n'.repeat(60_000), 'abc\ndef\nzzz\nghi\n'.repeat(1000)],
    ['white space only', ' '.repeat(2_000_000), `${' '.repeat(1_000_000)}\n\n`],
  ])('[AR-3.3] refuses %s', (_what, text, search) => {
    expect(matchEdit(text, { search, replace: '' }).kind).not.toBe('match');
  });

  it.each(['\n', '\r\n'])('[AR-3.3] applies 1,000 edits to 20,000 lines and to 5 MB (%j)', (lineBreak) => {
    for (const width of [1, 12]) {
      const lines = Array.from(
        { length: 20_000 },
        (_, at) => `    call${at}(${'argument, '.repeat(2 * width)}${at});`,
      );
      const edits = Array.from({ length: 1000 }, (_, at) => {
        const shown = lines.slice(20 * at, 20 * at + 4);
        return {
          search: `${shown.join('\n')}\n`,
          replace: `${[...shown, `    added${at}();`].join('\n')}\n`,
        };
      });
      const edited = applyEdits(Buffer.from(lines.map((line) => line + lineBreak).join('')), edits);
      if (edited.kind !== 'edited') throw new Error(JSON.stringify(edited.faults[0]));
      const expected = lines.flatMap((line, at) =>
        at % 20 === 3 ? [line, `    added${(at - 3) / 20}();`] : [line],
      );
      expect(edited.bytes.toString() === expected.map((line) => line + lineBreak).join('')).toBe(true);
    }
  });
});
