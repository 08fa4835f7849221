import { problemWithPath } from './path-rules.js';

describe('problemWithPath', () => {
  it.each([
    '',
    '/etc/passwd',
    '..',
    'a/../b',
    './a',
    'a/.',
    'a//b',
    'a/',
    'a\\b',
    'a\0b',
    'a\nb',
    'a\u0085b',
    'C:/x',
    'C:',
    '~/x',
    '~root/x',
    '.git/config',
    'a/.GIT/hooks/x',
    'git~1/x',
    'GIT~1',
    '.git ',
    '.git.',
    '.git. . /x',
    '.g\u200bit/config',
    '\ufeff.git',
    '.git::$INDEX_ALLOCATION/x',
    'a/\ud800',
    'x'.repeat(256),
    'ü'.repeat(128),
    Array.from({ length: 40 }, () => 'y'.repeat(120)).join('/'),
  ])('[AR-10.4] refuses %j', (path) => {
    expect(problemWithPath(path)).toEqual(expect.any(String));
  });

  it.each([
    'a',
    'a b/c d',
    '.gitignore',
    '.github/x',
    'git',
    '.gitmodules',
    '-x',
    '--help',
    'ünï/日本/🧟.txt',
    '"q"',
    "it's",
    'a~b',
    'c:d/e',
    'x'.repeat(255),
    'a..b',
    '...',
    'a ',
  ])('[AR-10.4] takes %j', (path) => {
    expect(problemWithPath(path)).toBeUndefined();
  });
});
