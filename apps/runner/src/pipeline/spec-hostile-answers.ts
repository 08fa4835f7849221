/** For specs: what a model may answer to get out of the workspace, and how the task then ends. */
export interface HostileAnswer {
  readonly what: string;
  /** Text, or what becomes JSON. */
  readonly answer: unknown;
  readonly code: string;
  /** What a setup command of the task does first, as a shell script in the work tree. */
  readonly planted?: string;
}

const create = (file_path: string, content = 'x') => ({ operation: 'create', file_path, content });
const modify = (file_path: string, content = 'x') => ({ operation: 'modify', file_path, content });
const rename = (file_path: string, new_path: string) => ({ operation: 'rename', file_path, new_path });
const remove = (file_path: string) => ({ operation: 'delete', file_path });
const set = (...code_changes: object[]) => ({ code_changes });
/** All or nothing: the first of the changes would be fine. */
const beside = (change: object) => set(create('fine.txt'), change);

const paths: readonly (readonly [what: string, path: string])[] = [
  ['an absolute path', '/etc/passwd'],
  ['an absolute path with two slashes', '//etc/passwd'],
  ['the folder above', '..'],
  ['a path above', '../a.txt'],
  ['another slot', '../../other/tree/src/a.ts'],
  ['the own git dir', '../git/config'],
  ['a slot whose name begins alike', '../../own/tree/a.txt'],
  ['a way out in the middle', 'src/../../../a.txt'],
  ['a way out at the end', 'src/..'],
  ['a detour that stays inside', 'src/../fine.txt'],
  ['a dot', './fine.txt'],
  ['a dot alone', '.'],
  ['a home', '~/.bashrc'],
  ['the home of somebody', '~root/.bashrc'],
  ['a drive letter', 'C:/Windows/x'],
  ['a drive letter with a backslash', 'C:\\Windows\\x'],
  ['UNC', '\\\\server\\share\\x'],
  ['UNC with slashes', '//server/share/x'],
  ['a device path of Windows', '\\\\?\\C:\\x'],
  ['backslashes', '..\\..\\a.txt'],
  ['a NUL', 'a\0.txt'],
  ['a NUL before an ending', '../a.txt\0.ts'],
  ['a line feed', 'a\nb'],
  ['a carriage return', 'a\rb'],
  ['an escape sequence', 'a\u001b[2Jb'],
  ['a control character of C1', 'a\u0085b'],
  ['a line separator', 'a\u2028b'],
  ['text turned around', 'a\u202ecod.exe'],
  ['an isolate', 'a\u2066b'],
  ['a mark of direction', 'a\u200eb'],
  ['a soft hyphen', 'a\u00adb'],
  ['a zero width space', 'a\u200bb'],
  ['tags', 'a\u{e0041}b'],
  ['half of a surrogate pair', 'a\ud800'],
  ['the other half', '\udc00a'],
  ['a name of 256 bytes', 'x'.repeat(256)],
  ['a name of 256 bytes in 128 letters', 'ü'.repeat(128)],
  ['a path of 5,000 bytes', Array.from({ length: 50 }, () => 'x'.repeat(99)).join('/')],
  ['101 folders', Array.from({ length: 101 }, () => 'd').join('/')],
  ['an empty segment', 'a//b'],
  ['a slash at the end', 'a/'],
  ['git', '.git/hooks/pre-push'],
  ['git as a file', '.git'],
  ['git of a folder', 'src/.git/config'],
  ['git in capitals', '.GIT/config'],
  ['git in mixed case', '.gIt/config'],
  ['git by its short name', 'git~1/config'],
  ['git by another short name', 'GIT~2/config'],
  ['git by its hashed short name', 'GI7EBA~1/config'],
  ['git with a space', '.git /config'],
  ['git with a dot', '.git./config'],
  ['git with dots and spaces', '.git. . ./config'],
  ['git as a stream', '.git::$INDEX_ALLOCATION/config'],
  ['git with a stream', '.git:x'],
  ['git with a joiner', '.g\u200cit/config'],
  ['git with a byte order mark', '\ufeff.git/config'],
  ['git with a variation selector', '.git\ufe0f/config'],
  ['git in full width', '．ｇｉｔ/config'],
  ['git with a dotless i', '.gıt/config'],
  ['modules by their short name', 'GITMOD~1'],
];

const sensitive: readonly (readonly [what: string, change: object])[] = [
  ['.gitmodules', create('.gitmodules')],
  ['.gitattributes', create('.gitattributes', '* filter=x')],
  ['.gitattributes of a folder', create('src/.gitattributes')],
  ['a workflow', create('.github/workflows/ci.yml')],
  ['a workflow in other letters', create('.GitHub/Workflows/ci.yml')],
  ['a file in place of the workflows', create('.github/workflows')],
  ['a file in place of .github', create('.github')],
  ['.gitlab-ci.yml', create('.gitlab-ci.yml')],
  ['.npmrc, there before', modify('.npmrc')],
  ['.npmrc, deleted', remove('.npmrc')],
  ['.npmrc, renamed', rename('.npmrc', 'npmrc.txt')],
  ['.npmrc by a rename', rename('a.txt', 'src/.npmrc')],
  ['.npmrc of a package', create('packages/a/.npmrc')],
  ['.npmrc in capitals', create('.NPMRC')],
  ['.npmrc with a dot', create('.npmrc.')],
  ['.npmrc as a stream', create('.npmrc::$DATA')],
  ['a hook of husky', create('.husky/pre-commit')],
  ['a hook of husky below', create('web/.husky/pre-commit')],
  ['.pre-commit-config.yaml', create('.pre-commit-config.yaml')],
];

const contents: readonly HostileAnswer[] = [
  {
    what: 'base64 that a lenient reader would take',
    answer: set({ ...create('n', 'YQ='), encoding: 'base64' }),
    code: 'change_refused',
  },
  {
    what: 'base64 with white space',
    answer: set({ ...create('n', 'YQ ='), encoding: 'base64' }),
    code: 'change_refused',
  },
  { what: 'half of a surrogate pair as content', answer: set(create('n', '\ud800')), code: 'change_refused' },
  { what: 'a file of 21 MiB', answer: set(create('n', 'x'.repeat(21 * 1_048_576))), code: 'change_refused' },
  {
    what: 'an answer of 33 MiB',
    answer: set(create('n', 'x'.repeat(33 * 1_048_576))),
    code: 'change_unparsable',
  },
  {
    what: '10,001 changes',
    answer: set(...Array.from({ length: 10_001 }, (_, index) => create(`n${index}`, ''))),
    code: 'change_unparsable',
  },
  {
    what: 'JSON of 100,000 levels',
    answer: '{"code_changes":'.concat('['.repeat(100_000)),
    code: 'change_unparsable',
  },
  {
    what: 'JSON of 50,000 closed levels',
    answer: `{"code_changes": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
    code: 'change_unparsable',
  },
  {
    what: 'a prototype',
    answer: '{"__proto__": {"isAdmin": true}, "code_changes": []}',
    code: 'change_unparsable',
  },
  {
    what: 'a prototype in a change',
    answer:
      '{"code_changes": [{"file_path": "n", "operation": "create", "content": "", "__proto__": {"x": 1}}]}',
    code: 'change_unparsable',
  },
  {
    what: 'a constructor',
    answer: '{"code_changes": [], "constructor": {"prototype": {"x": 1}}}',
    code: 'change_unparsable',
  },
  {
    what: 'an operation of its own',
    answer: set({ file_path: 'n', operation: 'symlink', content: '/etc' }),
    code: 'change_unparsable',
  },
  { what: 'a mode of its own', answer: set({ ...create('n'), mode: '120000' }), code: 'change_unparsable' },
  { what: 'a command', answer: { ...set(create('n')), test_commands: ['true'] }, code: 'change_unparsable' },
  { what: 'a number as path', answer: set({ ...create('n'), file_path: 1 }), code: 'change_unparsable' },
  {
    what: 'a list as path',
    answer: set({ ...create('n'), file_path: ['..', 'a'] }),
    code: 'change_unparsable',
  },
  {
    what: 'no end',
    answer: '{"code_changes": [{"file_path": "n", "operation": "create", "content": "',
    code: 'change_unparsable',
  },
  {
    what: 'two changes that end in one path',
    answer: set(create('n'), create('n', 'y')),
    code: 'change_refused',
  },
  {
    what: 'a rename onto a created path',
    answer: set(create('n'), rename('a.txt', 'n')),
    code: 'change_refused',
  },
  {
    what: 'two renames onto one path',
    answer: set(rename('a.txt', 'n'), rename('src/a.ts', 'n')),
    code: 'change_refused',
  },
  { what: 'a file below a file', answer: set(create('a.txt/x')), code: 'change_refused' },
  { what: 'a file in place of a folder', answer: set(create('src')), code: 'change_refused' },
  {
    what: 'NFC and NFD of one name',
    answer: set(create('caf\u00e9'), create('cafe\u0301')),
    code: 'change_refused',
  },
  { what: 'a joiner in a name', answer: set(create('ab'), create('a\u200cb')), code: 'change_refused' },
  { what: 'the link of the repository, written', answer: set(modify('out')), code: 'change_refused' },
  { what: 'a file below the link of the repository', answer: set(create('out/x')), code: 'change_refused' },
  { what: 'a file below the link in capitals', answer: set(create('OUT/x')), code: 'change_refused' },
  {
    what: 'an edit of the link',
    answer: set({ operation: 'modify', file_path: 'out', edits: [{ search: '.', replace: '/' }] }),
    code: 'change_refused',
  },
];

const planted: readonly HostileAnswer[] = [
  {
    what: 'a link out in place of a folder',
    planted: 'rm -r src; ln -s ../../../home src',
    answer: beside(modify('src/a.ts')),
    code: 'change_refused',
  },
  {
    what: 'a link out in place of a new folder',
    planted: 'ln -s ../../other/tree new',
    answer: beside(create('new/x')),
    code: 'change_refused',
  },
  {
    what: 'a link to the git dir',
    planted: 'ln -s ../git new',
    answer: beside(create('new/config')),
    code: 'change_refused',
  },
  {
    what: 'a link in place of a file',
    planted: 'ln -sf ../../../a.txt a.txt',
    answer: beside(modify('a.txt')),
    code: 'change_refused',
  },
  {
    what: 'a link to what is deleted',
    planted: 'ln -sf ../../../a.txt a.txt',
    answer: beside(remove('a.txt')),
    code: 'change_refused',
  },
  {
    what: 'a link where a rename ends',
    planted: 'ln -s ../../../a.txt n',
    answer: beside(rename('a.txt', 'n')),
    code: 'change_refused',
  },
  {
    what: 'a chain of links',
    planted: 'ln -s b a; ln -s ../../../home b',
    answer: beside(create('a/x')),
    code: 'change_refused',
  },
  { what: 'a link onto itself', planted: 'ln -s n n', answer: beside(create('n/x')), code: 'change_refused' },
  {
    what: 'a link into /proc',
    planted: 'ln -s /proc/self/root n',
    answer: beside(create('n/tmp/x')),
    code: 'change_refused',
  },
  {
    what: 'a FIFO',
    planted: 'rm a.txt; mkfifo a.txt',
    answer: beside(modify('a.txt')),
    code: 'change_refused',
  },
  {
    what: 'a FIFO in place of a folder',
    planted: 'mkfifo n',
    answer: beside(create('n/x')),
    code: 'change_refused',
  },
  {
    what: 'a hard link to a file outside',
    planted: 'ln -f ../../../runner/credentials/token a.txt',
    answer: beside(modify('a.txt')),
    code: 'change_refused',
  },
];

export const hostileAnswers: readonly HostileAnswer[] = [
  ...paths.map(([what, path]) => ({ what, answer: beside(create(path)), code: 'change_refused' })),
  ...['../a.txt', '/etc/passwd', '.git/config', '~/x'].flatMap((path) => [
    { what: `the deletion of ${path}`, answer: beside(remove(path)), code: 'change_refused' },
    { what: `a rename to ${path}`, answer: beside(rename('a.txt', path)), code: 'change_refused' },
    { what: `a rename from ${path}`, answer: beside(rename(path, 'n')), code: 'change_refused' },
  ]),
  ...sensitive.map(([what, change]) => ({ what, answer: beside(change), code: 'sensitive_file' })),
  ...contents,
  ...planted,
];
