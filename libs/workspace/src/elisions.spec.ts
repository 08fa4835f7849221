import type { Change } from '@necrocode/contracts';
import { BaseTree } from './base-tree.js';
import { applyAnswer } from './change-set.js';
import { ChangedTree } from './changed-tree.js';
import { elisionInEdit, isElision } from './match/elisions.js';
import { SpecRepository } from './spec-repository.js';

const python =
  'class Shape:\n    def area(self):\n        ...\n\n    def name(self):\n        return "shape"\n';
const method = '    def name(self):\n        return "shape"\n';
const script = 'start();\nstop();\n// ... rest unchanged\nend({\n  ...options,\n});\n';

let repository: SpecRepository;
let view: ChangedTree;

beforeAll(async () => {
  repository = await SpecRepository.create();
  const [commit = ''] = await repository.record([
    [
      { path: 'shape.py', content: python },
      { path: 'run.js', content: script },
    ],
  ]);
  view = ChangedTree.of(await BaseTree.load(repository.git, commit));
});
afterAll(() => repository[Symbol.asyncDispose]());

const edit = (file_path: string, search: string, replace: string): Change => ({
  operation: 'modify',
  file_path,
  edits: [{ search, replace }],
});
const write = (file_path: string, content: string): Change => ({ operation: 'modify', file_path, content });

describe('marks for text that was left out', () => {
  it.each([
    '// ...',
    '  # ...',
    '/* ... */',
    '<!-- ... -->',
    '...',
    '…',
    '[...]',
    '// ... rest unchanged',
    '// … rest of the code',
    '// ...rest of the file...',
    '# ... existing code ...',
    '{/* ... existing code ... */}',
    '... rest unchanged',
    '... (rest unchanged)',
    '// existing code',
    '// rest of the function stays the same',
    '# unchanged',
    '-- remaining lines omitted for brevity',
    '// same as before',
    '<!-- rest of the content -->',
    '// ... implementation ...',
    '// ... code ...',
    '// ... function body ...',
    '// ...imports...',
    '// ... 12 more lines',
    '// ... 既存のコード ...',
    '// ... restliche Methoden',
    '# … остальной код …',
    '// 以下省略',
    '// ... skipping ...',
    '// ... etc',
    '// ... and so on',
    '// and so on',
    '// etc.',
    '// as before',
    '// continues as before',
    '// no changes here',
    '// keep as is',
    '// original code',
    '// your code here',
    '// existing code here',
    '// [snip]',
    '// -- snip --',
    '// ~~~ unchanged ~~~',
    '// <rest of file unchanged>',
    '<rest of file unchanged>',
    '// (other methods remain the same)',
    '// The rest of the function stays the same as in the original',
    '<!-- rest -->',
    '{/* existing children */}',
    '[... 20 lines omitted ...]',
    '...more code...',
    '(* ... *)',
    '%% ...',
    '" ... rest',
    'REM ... rest',
    '<...>',
    '"""..."""',
    '// ..',
    '// . . .',
    '// ...\u200b',
    'foo(); // ... rest unchanged',
    'pass  # ... rest',
    '} // existing code',
    'function run() { ... }',
    'function run() { /* ... */ }',
  ])('[AR-3.3] takes %j as one', (line) => {
    expect(isElision(line, false)).toBe(true);
  });

  it.each([
    '...options,',
    '...rest',
    '...existing,',
    'f(...args);',
    '// the existing users are kept because their ids are in use',
    '// sorts the remaining routes by length',
    'return rest;',
    '# Existing users',
    '"..."',
    'x = ...',
    'def f(self) -> int: ...',
    '',
    '//',
    '/* An existing reference... */',
    '/* ...request a creation of the same blob... */',
    '/* ... and make sure it does not get freed */',
    '/* ...and that it points to the current tip */',
    '/* Other convenient macros... */',
    ' * the rest.',
    '* ...and more',
    ' *             ...',
    '## Unchanged',
    '# ... fileio/naming-a-file#win32-file-namespaces',
    '# <msg ...>',
    '// Loading...',
    '// => ...path...',
    '// do not change',
    '--force ...',
    '#define WIDTH ...',
    '  ...)',
    'void log(const char *format, ...);',
    ', cert: ...',
    '[...redacted...]',
    'const all = { ...rest };',
    'Usage: tool.py [OPTIONS] COMMAND [ARGS]...',
    '...  # value was explicitly set',
    '[rest]',
    'git add <file>...',
  ])('[AR-3.3] does not take %j as one', (line) => {
    expect(isElision(line, false)).toBe(false);
  });

  it.each(['...', '// ...', '# ...', '…'])('[AR-3.3] takes %j in a whole text as code', (line) => {
    expect(isElision(line, true)).toBe(false);
  });

  it('[AR-3.3] takes the second half of a sentence as that', () => {
    const lines = ['// Only the first entry is copied here, since', '// the rest stays as it is'];
    expect(elisionInEdit(lines, () => false, false)).toBeUndefined();
    expect(elisionInEdit(lines.slice(1), () => false, false)).toMatchObject({ number: 1 });
  });

  it('[AR-3.3] takes an empty body in Python as code, in documents as well', () => {
    const lines = [
      '    @group.command()',
      '    def first():',
      '        ...',
      '',
      '    def second():',
      '        ...',
    ];
    expect(elisionInEdit(lines, () => false, false)).toBeUndefined();
    expect(elisionInEdit(['  case 1:', '    ...'], () => false, false)).toMatchObject({ number: 2 });
  });
});

describe('an answer that leaves text out', () => {
  it.each<[string, Change, RegExp]>([
    ['in the search', edit('run.js', 'start();\n// ...\nend({', 'x'), /line 2 of search, "\/\/ \.\.\."/],
    [
      'in the search, as the file says elsewhere',
      edit('run.js', 'start();\n// ... rest unchanged\n', 'x'),
      /of search/,
    ],
    [
      'in the replacement',
      edit('run.js', 'stop();', 'halt();\n// ... existing code ...'),
      /line 2 of replace/,
    ],
    ['alone in the replacement', edit('run.js', 'stop();', '...\nhalt();'), /line 1 of replace/],
    [
      'in Python, without a body',
      edit('shape.py', '        return "shape"', '        x = 1\n        ...'),
      /of replace/,
    ],
    [
      'in a whole text',
      write('shape.py', 'class Shape:\n    # ... rest unchanged\n'),
      /line 2 of the content.*say it in other words/,
    ],
    [
      'in a whole text, by its shape, where lines are gone',
      write('run.js', script.replace('end({\n  ...options,\n});\n', '/* ... */\n')),
      /line 4 of the content, "\/\* \.\.\. \*\/"/,
    ],
    [
      'in place of a body in Python',
      edit('shape.py', method, '    def name(self):\n        ...\n'),
      /the body of "def name/,
    ],
    [
      'in place of a body in Python, in one line',
      edit('shape.py', method, '    def name(self): ...\n'),
      /the body of "def name/,
    ],
    [
      'in place of a body in Python, behind its docstring',
      edit('shape.py', method, '    def name(self):\n        """The name."""\n        ...\n'),
      /the body of "def name/,
    ],
    [
      'in a new file',
      { operation: 'create', file_path: 'new.py', content: 'a = 1\n# ... rest unchanged\n' },
      /line 2 of the content/,
    ],
    [
      'in a rename with a whole text',
      { operation: 'rename', file_path: 'run.js', new_path: 'go.js', content: 'go();\n// existing code\n' },
      /line 2 of the content/,
    ],
  ])('[AR-3.3] is refused: %s', async (_what, change, message) => {
    expect(await applyAnswer(view, [change])).toMatchObject({
      kind: 'refused',
      problems: [{ reason: 'elided', message: expect.stringMatching(message) as string }],
    });
  });

  it('[AR-3.3] is told how to give a line that is meant', async () => {
    expect(await applyAnswer(view, [edit('run.js', 'stop();', '// ... logic')])).toMatchObject({
      problems: [
        { message: expect.stringMatching(/is meant: .*in search too, .*whole new content/) as string },
      ],
    });
  });

  it.each<[string, Change]>([
    [
      'a mark that the file has there',
      edit('run.js', 'stop();\n// ... rest unchanged\n', 'halt();\n// ... rest unchanged\n'),
    ],
    ['a mark that the whole old text has', write('run.js', script.replace('stop', 'halt'))],
    ['a new file', { operation: 'create', file_path: 'new.py', content: '# ...\n...\n' }],
    [
      'a new mark in a whole text that has lost nothing',
      write('run.js', script.replace('end', '// ... logic\nend')),
    ],
    [
      'a class in Python that ends in an empty body',
      edit('shape.py', python, `${python}\n    def size(self):\n        ...\n`),
    ],
    [
      'a comment in Python that ends in an ellipsis',
      edit(
        'shape.py',
        method,
        '    def name(self):\n        return "s"  # which the caller has to translate...\n',
      ),
    ],
    [
      'overloads in Python beside the function itself',
      edit('shape.py', method, `    @overload\n    def name(self):\n        ...\n\n${method}`),
    ],
    [
      'an empty body in Python',
      edit('shape.py', '        return "shape"', '        return "s"\n\n    def size(self):\n        ...'),
    ],
    [
      'the file’s own ellipsis',
      edit('shape.py', '    def area(self):\n        ...', '    def surface(self):\n        ...'),
    ],
    ['spread syntax', edit('run.js', '  ...options,', '  ...defaults,\n  ...options,')],
    ['code in a whole text', write('shape.py', `${python}\n    def size(self):\n        ...\n`)],
  ])('[AR-3.3] is not: %s', async (_what, change) => {
    expect(await applyAnswer(view, [change])).toMatchObject({ kind: 'applied' });
  });

  it('[AR-3.3] says how literally each edit was found', async () => {
    const changes = [
      edit('run.js', 'start();\n', 'begin();\n'),
      edit('run.js', 'begin(); \nstop();\n', 'begin();\nhalt();\n'),
    ];
    expect(await applyAnswer(view, [...changes, write('shape.py', 'x = 1\n')])).toMatchObject({
      layers: [
        { file_path: 'run.js', edit: 0, layer: 'exact' },
        { file_path: 'run.js', edit: 1, layer: 'trailing_space' },
      ],
    });
  });
});
