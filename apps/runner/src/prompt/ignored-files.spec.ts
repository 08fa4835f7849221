import { spawnSync } from 'node:child_process';
import { GitRepository } from '@necrocode/testkit';
import { readIgnoredFiles } from './ignored-files.js';
import { Dice } from './spec-answers.js';

async function ignoredOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  const paths = Object.keys(files);
  const ignores = await readIgnoredFiles({
    paths,
    sizeOf: (path) => files[path]?.length,
    read: (wanted) => Promise.resolve(new Map(wanted.map((path) => [path, Buffer.from(files[path] ?? '')]))),
  });
  return paths.filter((path) => ignores.has(path)).sort();
}

/** What git itself says, in a work tree with these files. */
function ignoredByGit(files: Readonly<Record<string, string>>): string[] {
  const { path } = new GitRepository(files);
  const input = Object.keys(files)
    .map((file) => `${file}\0`)
    .join('');
  const args = ['-c', 'core.excludesFile=/dev/null', 'check-ignore', '--no-index', '--stdin', '-z'];
  const { stdout } = spawnSync('git', args, { cwd: path, input, encoding: 'utf8' });
  return stdout
    .split('\0')
    .filter((file) => file !== '')
    .sort();
}

const paths = [
  'a.log',
  'A.LOG',
  'src/a.log',
  'src/keep.log',
  'src/out/x.js',
  'out/x.js',
  'out/deep/keep.js',
  'docs/out',
  'src/build/gen/a.ts',
  'build/a.ts',
  'x y.txt',
  '#hash',
  '!bang',
  'src/lib/build/b.ts',
  'temp1',
  'temp22',
  'src/.env.local',
];
const patterns = [
  '*.log',
  '!keep.log',
  'out/',
  '/out',
  '!/out/deep',
  '!out/deep/keep.js',
  'build',
  '/build/',
  'src/**/build',
  '**/gen/**',
  'temp?',
  'temp[0-9]',
  '\\#hash',
  '\\!bang',
  '# comment',
  '',
  'x y.txt  ',
  'x\\ y.txt',
  'src/*',
  '!src/lib',
  '*',
  '!*/',
  '.env*',
  '!src/',
];

describe('readIgnoredFiles', () => {
  it('[AR-3.1] names the files that git itself would', async () => {
    const files = {
      ...Object.fromEntries(paths.map((path) => [path, 'x'])),
      '.gitignore': '*.log\r\n/out\nsrc/**/build\n\\#hash\ntemp[0-9]\n',
      'src/.gitignore': '!keep.log\nout/\n',
    };
    expect(await ignoredOf(files)).toEqual(ignoredByGit(files));
    expect(await ignoredOf(files)).toEqual(
      [
        '#hash',
        'a.log',
        'out/deep/keep.js',
        'out/x.js',
        'src/a.log',
        'src/build/gen/a.ts',
        'src/lib/build/b.ts',
        'src/out/x.js',
        'temp1',
      ].sort(),
    );
  });

  it('[AR-3.1] agrees with git on rules at random, in nested files', async () => {
    const dice = new Dice(11);
    const rules = () => Array.from({ length: 1 + dice.below(5) }, () => dice.one(patterns)).join('\n');
    let ignored = 0;
    for (let round = 0; round < 40; round += 1) {
      const files = {
        ...Object.fromEntries(paths.map((path) => [path, 'x'])),
        '.gitignore': rules(),
        ...(dice.chance(2) && { 'src/.gitignore': rules() }),
      };
      const byGit = ignoredByGit(files);
      expect({ files, ignored: await ignoredOf(files) }).toEqual({ files, ignored: byGit });
      ignored += byGit.length;
    }
    expect(ignored).toBeGreaterThan(50);
  });

  it('[AR-3.1] comes to an end on rules that are made to be slow', async () => {
    const deep = 'a/'.repeat(31);
    const hostile = [
      '**/a/'.repeat(60) + 'b',
      '*a'.repeat(140) + 'b',
      '**/a/**/b',
      '[',
      '\\',
      '!',
      '/',
      '**',
    ];
    const files = {
      '.gitignore': [
        ...hostile.slice(0, -1),
        ...Array.from({ length: 5_000 }, (_, at) => `**/a/**/b${at}`),
      ].join('\n'),
      [`${deep}c`]: '',
      ['a'.repeat(250)]: '',
      [`${'b/'.repeat(40)}c`]: '',
      'plain.txt': '',
    };
    // What is too deep to be matched within bounds is not shown.
    expect(await ignoredOf(files)).toEqual([`${'b/'.repeat(40)}c`]);
  });
});
