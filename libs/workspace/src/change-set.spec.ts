import type { Change } from '@necrocode/contracts';
import { applyAnswer, type ApplyOutcome } from './change-set.js';
import { BaseTree } from './base-tree.js';
import { ChangedTree } from './changed-tree.js';
import { SpecRepository, type RecordedFile } from './spec-repository.js';

const files: readonly RecordedFile[] = [
  { path: 'src/a.ts', content: 'one\ntwo\nthree\ntwo\n' },
  { path: 'src/b.ts', content: 'b\n' },
  { path: 'run.sh', mode: '100755', content: 'echo\n' },
  { path: 'crlf.txt', content: '\ufeffone\r\ntwo\r\n' },
  { path: 'd', content: 'a file called d' },
  { path: 'binary', content: Buffer.from([0xff, 0x00]) },
  { path: 'link', mode: '120000', content: 'd' },
  { path: 'sub', mode: '160000', content: '2'.repeat(40) },
  { path: Buffer.from([0x68, 0x2f, 0xff]), content: 'in directory h, under a name that is not UTF-8' },
];

let repository: SpecRepository;
let view: ChangedTree;

beforeAll(async () => {
  repository = await SpecRepository.create();
  const [commit = ''] = await repository.record([files]);
  view = ChangedTree.of(await BaseTree.load(repository.git, commit));
});
afterAll(() => repository[Symbol.asyncDispose]());

const create = (file_path: string, content = 'new'): Change => ({ operation: 'create', file_path, content });
const write = (file_path: string, content: string): Change => ({ operation: 'modify', file_path, content });
const edit = (file_path: string, search: string, replace: string): Change => ({
  operation: 'modify',
  file_path,
  edits: [{ search, replace }],
});
const rename = (file_path: string, new_path: string): Change => ({
  operation: 'rename',
  file_path,
  new_path,
});
const remove = (file_path: string): Change => ({ operation: 'delete', file_path });

describe('an answer is judged by the tree it ends in', () => {
  it.each<[string, Change[], Record<string, string | undefined>]>([
    ['delete d, create d/e', [remove('d'), create('d/e', 'e')], { d: undefined, 'd/e': 'e' }],
    ['create d/e, delete d', [create('d/e', 'e'), remove('d')], { d: undefined, 'd/e': 'e' }],
    [
      'rename, then the old name anew',
      [rename('d', 'e'), create('d', 'n')],
      { d: 'n', e: 'a file called d' },
    ],
    ['a case-only rename', [rename('d', 'D')], { d: undefined, D: 'a file called d' }],
    [
      'a swap',
      [rename('d', 'src/b.ts'), rename('src/b.ts', 'd')],
      { d: 'b\n', 'src/b.ts': 'a file called d' },
    ],
    ['delete and create of one path', [remove('d'), create('d', 'n')], { d: 'n' }],
    [
      'a directory becomes a file',
      [remove('src/a.ts'), remove('src/b.ts'), create('src', 's')],
      { src: 's' },
    ],
    ['a rename into its own former name', [rename('d', 'd/e')], { d: undefined, 'd/e': 'a file called d' }],
    ['edits in order', [edit('src/b.ts', 'b', 'c'), edit('src/b.ts', 'c', 'd')], { 'src/b.ts': 'd\n' }],
    [
      'a rename with edits',
      [{ ...rename('src/b.ts', 'x'), edits: [{ search: 'b', replace: '$&' }] } as Change],
      { x: '$&\n' },
    ],
    [
      'byte order mark and CRLF stay',
      [edit('crlf.txt', 'two\r', '2\r')],
      { 'crlf.txt': '\ufeffone\r\n2\r\n' },
    ],
    ['an edit that says LF for CRLF', [edit('crlf.txt', 'one\ntwo', '')], { 'crlf.txt': '\ufeff\r\n' }],
  ])('[AR-3.3] takes: %s', async (_what, changes, expected) => {
    const { tree } = applied(await applyAnswer(view, changes));
    const contents = await tree.read(Object.keys(expected));
    for (const [path, content] of Object.entries(expected))
      expect(contents.get(path)?.toString()).toBe(content);
    for (const [path, content] of Object.entries(expected))
      expect(tree.has(path)).toBe(content !== undefined);
  });

  it.each<[string, Change[], string, RegExp]>([
    ['a path outside', [create('../x')], 'bad_path', /\.\./],
    ['a bad new name', [rename('d', '.git/x')], 'bad_path', /"\.git\/x".*git/],
    ['create of what exists', [create('d')], 'exists', /use modify/],
    ['modify of what does not exist', [write('lib/a.ts', 'x')], 'missing', /"src\/a\.ts"/],
    ['a misspelt path', [remove('src/bb.ts')], 'missing', /use create|similar/],
    ['a directory', [remove('src')], 'not_a_file', /directory/],
    ['a symbolic link', [write('link', 'x')], 'not_a_file', /symbolic link/],
    ['a submodule', [write('sub', 'x')], 'not_a_file', /submodule/],
    [
      'two ends in one path',
      [create('n'), rename('d', 'n')],
      'same_path',
      /changes 1, 2 end in the same path "n"/,
    ],
    ['content and edits of one file', [write('d', 'x'), edit('d', 'a', 'b')], 'same_path', /one change/],
    ['modify of a deleted file', [remove('d'), write('d', 'x')], 'same_path', /deleted/],
    ['modify of a renamed file', [rename('d', 'e'), write('d', 'x')], 'same_path', /into the rename/],
    ['two renames of one file', [rename('d', 'e'), rename('d', 'f')], 'same_path', /second time/],
    ['a rename onto a file', [rename('d', 'src/b.ts')], 'exists', /src\/b\.ts/],
    ['a file below a file', [create('d/e')], 'conflict', /"d" is a file/],
    ['a file in place of a directory', [create('src', 'x')], 'conflict', /directory/],
    ['a file in place of names nobody can read', [create('h', 'x')], 'conflict', /directory/],
    ['two that cannot stand together', [create('n'), create('n/m')], 'conflict', /"n"/],
    ['neither content nor edits', [{ operation: 'modify', file_path: 'd' }], 'bad_content', /edits/],
    ['both', [{ ...edit('d', 'a', 'b'), content: 'x' } as Change], 'bad_content', /not both/],
    ['loose base64', [{ ...create('n', 'YQ=\n'), encoding: 'base64' } as Change], 'bad_content', /base64/],
    ['half a character', [create('n', '\ud83d')], 'bad_content', /surrogate/],
    ['edits of a binary file', [edit('binary', 'a', 'b')], 'bad_content', /binary/],
    ['an edit that fits twice', [edit('src/a.ts', 'two', '2')], 'no_match', /occurs 2 times \(lines 2, 4\)/],
    [
      'overlapping places',
      [write('d', 'x'), edit('src/a.ts', 'one\ntwo\nfour', '')],
      'no_match',
      /line 3 is "three", not "four"/,
    ],
  ])('[AR-3.3] refuses, and says why: %s', async (_what, changes, reason, message) => {
    const outcome = await applyAnswer(view, changes);
    if (outcome.kind !== 'refused') throw new Error(outcome.kind);
    const problem = outcome.problems.find((p) => p.reason === reason);
    expect(problem).toMatchObject({ reason, file_path: changes[problem?.index ?? -1]?.file_path });
    expect(problem?.message).toMatch(message);
  });

  it('[AR-3.3] keeps or sets the mode', async () => {
    const { tree } = applied(
      await applyAnswer(view, [
        write('run.sh', 'changed'),
        { ...write('d', 'x'), executable: true } as Change,
        { ...create('n'), executable: true } as Change,
        rename('link', 'other'),
        rename('sub', 'vendor/sub'),
      ]),
    );
    const modes = ['run.sh', 'd', 'n', 'other', 'vendor/sub', 'sub'].map((path) => tree.mode(path));
    expect(modes).toEqual(['100755', '100755', '100755', '120000', '160000', undefined]);
  });

  it('[AR-3.3] reports every problem of an answer at once, in its order', async () => {
    const outcome = await applyAnswer(view, [
      edit('d', 'zzz', ''),
      create('ok'),
      write('nowhere.txt', ''),
      create('/abs'),
    ]);
    expect(outcome).toMatchObject({ kind: 'refused', problems: [{ index: 0 }, { index: 2 }, { index: 3 }] });
  });

  it('[AR-3.3] reports every edit of a file that does not fit, the first ten in full', async () => {
    const edits = [
      { search: 'one\n', replace: '1\n' },
      { search: 'none\n', replace: '' },
      { search: '1\n', replace: 'I\n' },
      { search: 'nothing\n', replace: '' },
      ...Array.from({ length: 12 }, (_, at) => ({ search: `gone ${at}\n`, replace: '' })),
      { search: 'three\n', replace: '3\n' },
      { search: 'never\n', replace: '' },
    ];
    const outcome = await applyAnswer(view, [{ operation: 'modify', file_path: 'src/a.ts', edits }]);
    if (outcome.kind !== 'refused') throw new Error(outcome.kind);
    const messages = outcome.problems.map(({ message }) => message);
    expect(messages).toHaveLength(11);
    expect(messages[0]).toMatch(/^edit 2 of 18: the search text does not occur/);
    expect(messages[1]).toMatch(/^edit 4 of 18, without those above: /);
    expect(messages[9]).toMatch(/^edit 12 of 18, /);
    expect(messages[10]).toBe('5 more of its 18 edits did not fit either: 13–16, 18');
  });

  it('[AR-3.3] says which edit it is when several changes edit one file', async () => {
    const both = (first: string, second: string): Change => ({
      operation: 'modify',
      file_path: 'src/a.ts',
      edits: [first, second].map((search) => ({ search, replace: '' })),
    });
    expect(await applyAnswer(view, [both('one\n', 'four\n'), both('five\n', 'three\n')])).toMatchObject({
      problems: [
        { index: 0, message: expect.stringMatching(/^edit 2 of 2: /) as string },
        { index: 1, message: expect.stringMatching(/^edit 1 of 2, without/) as string },
      ],
    });
  });

  it('[AR-3.3] leaves edits unseen once so many have been searched in vain in a large file', async () => {
    const text = 'a line of it\n'.repeat(50_000);
    const [commit = ''] = await repository.record([[{ path: 'large.txt', content: text }]], 'unseen');
    const base = ChangedTree.of(await BaseTree.load(repository.git, commit));
    const edits = Array.from({ length: 300 }, (_, at) => ({ search: `gone ${at}\n`, replace: '' }));
    const outcome = await applyAnswer(base, [{ operation: 'modify', file_path: 'large.txt', edits }]);
    if (outcome.kind !== 'refused') throw new Error(outcome.kind);
    expect(outcome.problems.at(-1)?.message).toMatch(/^\d+ more of its 300 edits were not looked at.*–300$/);
  });

  it('[AR-3.3] looks for paths like those that do not exist, for the first twenty', async () => {
    const changes = Array.from({ length: 30 }, (_, at) => write(`lib${at}/a.ts`, 'x'));
    const outcome = await applyAnswer(view, changes);
    if (outcome.kind !== 'refused') throw new Error(outcome.kind);
    const hinted = outcome.problems.filter(({ message }) => message.includes('"src/a.ts"'));
    expect(hinted.map(({ index }) => index)).toEqual([...Array(20).keys()]);
    expect(outcome.problems).toHaveLength(30);
  });

  it('[AR-3.3] tells an answer without effect from one with', async () => {
    const outcome = await applyAnswer(view, [write('src/b.ts', 'b\n'), { ...edit('d', 'a file', 'a file') }]);
    expect(outcome).toEqual({ kind: 'no_effect' });
    expect(await applyAnswer(view, [])).toEqual({ kind: 'no_effect' });
  });

  it('[AR-3.3] sums up what was done', async () => {
    const changes = [create('n', 'four'), write('d', 'x'), remove('binary'), rename('src/b.ts', 'b')];
    expect(applied(await applyAnswer(view, changes)).summary).toEqual({
      created: ['n'],
      modified: ['d'],
      deleted: ['binary'],
      renamed: [{ from: 'src/b.ts', to: 'b' }],
      bytesWritten: 7,
    });
  });
});

describe('a later round may say again what an earlier one did', () => {
  it('[AR-3.3] creates the same file anew', async () => {
    const tree = await rounds([create('n', '1')], [create('n', '2')]);
    expect((await tree.read(['n'])).get('n')?.toString()).toBe('2');
  });

  it('[AR-3.3] takes edits of the file as it was before', async () => {
    const tree = await rounds([edit('src/b.ts', 'b', 'wrong')], [edit('src/b.ts', 'b', 'right')]);
    expect((await tree.read(['src/b.ts'])).get('src/b.ts')?.toString()).toBe('right\n');
  });

  it('[AR-3.3] takes edits of the file as it was before that speak of all that was changed', async () => {
    const both = (first: string, last: string) => ({
      ...edit('src/a.ts', 'one\n', `${first}\n`),
      edits: [
        { search: 'one\n', replace: `${first}\n` },
        { search: 'three\ntwo\n', replace: `three\n${last}\n` },
      ],
    });
    const tree = await rounds([both('1\n1', '4')], [both('I', 'IV')]);
    expect((await tree.read(['src/a.ts'])).get('src/a.ts')?.toString()).toBe('I\ntwo\nthree\nIV\n');
  });

  it.each([
    ['a line', [edit('src/a.ts', 'three\ntwo', 'three\n2')], 4],
    ['an addition', [edit('src/a.ts', 'three\ntwo\n', 'three\ntwo\nfive\n')], 5],
    ['a deletion', [edit('src/a.ts', 'three\ntwo\n', 'three\n')], 4],
  ])('[AR-3.3] undoes %s of an earlier round only where the edits speak of it', async (_what, more, line) => {
    const tree = await rounds([edit('src/a.ts', 'one', '1')], more);
    expect(await applyAnswer(tree, [edit('src/a.ts', 'one', 'I')])).toMatchObject({
      kind: 'refused',
      problems: [
        {
          reason: 'stale',
          message: expect.stringContaining(`would undo what you changed near line ${line};`) as string,
        },
      ],
    });
  });

  it('[AR-3.3] takes many edits of a large file again, and misses none that is not said', async () => {
    const lines = Array.from({ length: 6_000 }, (_, at) => `line ${at}\n`);
    const editing = (word: string, steps: number): Change => ({
      operation: 'modify',
      file_path: 'large.txt',
      edits: Array.from({ length: steps }, (_, step) => ({
        search: `line ${step * 20}\n`,
        replace: `${word} ${step}\nand more\n`,
      })),
    });
    const [commit = ''] = await repository.record(
      [[{ path: 'large.txt', content: lines.join('') }]],
      'large',
    );
    const base = ChangedTree.of(await BaseTree.load(repository.git, commit));
    const before = applied(await applyAnswer(base, [editing('wrong', 300)])).tree;
    const { tree } = applied(await applyAnswer(before, [editing('right', 300)]));
    const content = (await tree.read(['large.txt'])).get('large.txt')?.toString() ?? '';
    expect(content.match(/right \d+\nand more\n/g)).toHaveLength(300);
    expect(content).not.toContain('wrong');
    // The last one, at the 5,981st line of the base, has 299 additions before it.
    expect(await applyAnswer(before, [editing('right', 299)])).toMatchObject({
      problems: [{ reason: 'stale', message: expect.stringContaining('near line 6280;') as string }],
    });
  });

  it('[AR-3.3] does not do twice what would fit twice, beside something new', async () => {
    const adding = edit('src/a.ts', 'one\n', 'one\nand a half\n');
    const tree = await rounds([adding, create('n', '1')], [adding, create('n', '2')]);
    const contents = await tree.read(['src/a.ts', 'n']);
    expect(contents.get('src/a.ts')?.toString()).toBe('one\nand a half\ntwo\nthree\ntwo\n');
    expect(contents.get('n')?.toString()).toBe('2');
  });

  it('[AR-3.3] knows contents by the ids that git gives them', async () => {
    const tree = await rounds([edit('src/b.ts', 'b', 'c'), remove('d'), create('n', 'b\n')]);
    expect(tree.contentId('n')).toBe(view.contentId('src/b.ts'));
    expect(tree.contentId('src/b.ts')).not.toBe(view.contentId('src/b.ts'));
    expect(tree.contentId('d')).toBeUndefined();
    expect(tree.contentId('sub')).toBe('2'.repeat(40));
  });

  it('[AR-3.3] takes a rename with edits of the old text', async () => {
    const renaming = (replace: string) =>
      ({ ...rename('src/b.ts', 'x'), edits: [{ search: 'b', replace }] }) as Change;
    const tree = await rounds([renaming('1')], [renaming('2')]);
    expect((await tree.read(['x'])).get('x')?.toString()).toBe('2\n');
    expect(tree.has('src/b.ts')).toBe(false);
  });

  it('[AR-3.3] does not let a rename said again change where a link leads', async () => {
    const tree = await rounds([rename('link', 'moved')]);
    const again = { ...rename('link', 'moved'), content: '/etc/passwd' } as Change;
    expect(await applyAnswer(tree, [again])).toMatchObject({
      kind: 'refused',
      problems: [{ reason: 'not_a_file' }],
    });
    expect(await applyAnswer(tree, [rename('link', 'moved')])).toEqual({ kind: 'no_effect' });
  });

  it('[AR-3.3] takes a deletion again, beside something new', async () => {
    const tree = await rounds([remove('d')], [remove('d'), create('n')]);
    expect([...tree.overlay.keys()].sort()).toEqual(['d', 'n']);
  });

  it('[AR-3.3] leaves no trace of a change that was taken back', async () => {
    const tree = await rounds([write('d', 'x'), create('n')], [write('d', 'a file called d'), remove('n')]);
    expect(tree.overlay.size).toBe(0);
  });

  it('[AR-3.3] says where a file went', async () => {
    const tree = await rounds([rename('d', 'e')]);
    const outcome = await applyAnswer(tree, [write('d', 'x')]);
    expect(outcome).toMatchObject({
      kind: 'refused',
      problems: [{ reason: 'missing', message: expect.stringContaining('"e"') as string }],
    });
  });
});

async function rounds(...answers: Change[][]): Promise<ChangedTree> {
  let tree = view;
  for (const changes of answers) tree = applied(await applyAnswer(tree, changes)).tree;
  return tree;
}

function applied(outcome: ApplyOutcome): Extract<ApplyOutcome, { kind: 'applied' }> {
  if (outcome.kind !== 'applied') throw new Error(JSON.stringify(outcome));
  return outcome;
}

describe('a set is judged as a whole before anything is written', () => {
  const refusal = async (changes: Change[]) => {
    const outcome = await applyAnswer(view, changes);
    return outcome.kind === 'refused' ? outcome.problems.map(({ reason }) => reason) : outcome.kind;
  };

  it.each<[string, Change[]]>([
    ['NFC and NFD of one name', [create('caf\u00e9.txt'), create('cafe\u0301.txt')]],
    ['a folder in NFC and NFD', [create('\u00e9/a'), create('e\u0301/b')]],
    ['a joiner that nobody sees', [create('ab.txt'), create('a\u200db.txt')]],
  ])('[AR-10.4] refuses names that cannot be told apart: %s', async (_what, changes) => {
    expect(await refusal(changes)).toEqual(['collision', 'collision']);
  });

  it.each(['LINK', 'LINK/x', 'Link./x', 'SUB/x', 'l\uff49nk/x'])(
    '[AR-10.4] refuses %j beside a link or a submodule that other file systems take for it',
    async (path) => {
      expect(await refusal([create(path)])).toEqual(['collision']);
    },
  );

  it('[AR-10.4] refuses what is too large, one file or all together', async () => {
    const mebibytes = (count: number) => 'x'.repeat(count * 1_048_576);
    expect(await refusal([create('big', mebibytes(20))])).toBe('applied');
    expect(await refusal([create('n'), create('big', `${mebibytes(20)}x`)])).toEqual(['too_large']);
    const many = Array.from({ length: 6 }, (_, index) => create(`big-${index}`, mebibytes(17)));
    expect(await refusal(many)).toEqual(['too_large']);
  });

  it('[AR-3.3] takes names that differ in case alone, as git does', async () => {
    expect(await refusal([create('src/A.ts'), create('README'), create('readme')])).toBe('applied');
  });
});
