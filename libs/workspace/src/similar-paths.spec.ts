import { similarPaths, similarPathsOf } from './similar-paths.js';

const existing = [
  'src/index.ts',
  'lib/index.ts',
  'src/user-store.ts',
  'src/userStore.ts',
  'README.md',
  'a/b.c',
];

describe('paths that a wrong path may have meant', () => {
  it.each([
    ['src/Index.ts', ['src/index.ts', 'lib/index.ts']],
    ['src/user-stor.ts', ['src/user-store.ts', 'src/userStore.ts']],
    ['src/usr-store.tsx', ['src/user-store.ts']],
    ['readme.md', ['README.md']],
    ['docs/raedme.md', ['README.md']],
    ['src/other.ts', []],
    ['x/b.h', []],
    ['b.c', ['a/b.c']],
  ])('[AR-3.3] finds those of %s', (path, expected) => {
    expect(similarPaths(path, existing)).toEqual(expected);
  });

  it('[AR-3.3] counts what is left out, put in or other, up to two in all', () => {
    const names = ['abcdefgh'];
    const found = [
      'abcdefgh',
      'bcdefgh',
      'cdefgh',
      'defgh',
      'abcdefghij',
      'abcdefghijk',
      'axcdefyh',
      'axcdeyzh',
      'bacdefgh',
    ];
    const similar = similarPathsOf(found, names);
    expect(found.filter((path) => similar.get(path)?.length === 1)).toEqual([
      'abcdefgh',
      'bcdefgh',
      'cdefgh',
      'abcdefghij',
      'axcdefyh',
      'bacdefgh',
    ]);
  });
});
