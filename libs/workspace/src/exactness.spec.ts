import { applyAnswer } from './change-set.js';
import { answerOfCommit } from './answer-of-commit.js';
import { BaseTree } from './base-tree.js';
import { ChangedTree } from './changed-tree.js';
import { checkoutBase } from './checkout.js';
import { buildCommit } from './commit.js';
import { expectedOnDisk, filesOnDisk, SpecRepository, type RecordedFile } from './spec-repository.js';
import { writeChanges } from './write-changes.js';

const submodule = '1'.repeat(40);
const unreadable = Buffer.from([0x64, 0x2f, 0xff, 0xfe]); // "d/" and two bytes that are not UTF-8
const binary = Buffer.from([0, 255, 254, 10, 13, 10, 0x80]);

const attributes: RecordedFile = {
  path: '.gitattributes',
  content: '* text=auto eol=crlf ident filter=lfs\n*.utf16 working-tree-encoding=UTF-16\n*.bin binary\n',
};
const before: readonly RecordedFile[] = [
  attributes,
  { path: '.gitignore', content: 'ignored/\n*.log\n' },
  { path: 'crlf.txt', content: 'a\r\nb\n\r\n' },
  { path: 'ident.c', content: '/* $Id$ */\n' },
  { path: 'text.utf16', content: 'plain\n' },
  { path: 'data.bin', content: binary },
  { path: 'tool.sh', mode: '100755', content: '#!/bin/sh\necho a long enough text to be found again\n' },
  { path: 'link', mode: '120000', content: 'crlf.txt' },
  { path: 'gone/deep/er/file', content: 'x' },
  { path: 'vendor/sub', mode: '160000', content: submodule },
  { path: 'becomes-directory', content: 'f' },
  { path: 'becomes-file/one', content: '1' },
  { path: 'becomes-file/two/three', content: '3' },
  { path: 'readme.md', content: 'read me, a text that is long enough to be found again\n' },
  { path: unreadable, content: 'kept' },
  { path: 'd/plain', content: 'p' },
  { path: 'bom.txt', content: '\ufeffwith mark\n' },
  { path: 'link-to-file', mode: '120000', content: 'ident.c' },
];
const after: readonly RecordedFile[] = [
  attributes,
  { path: '.gitignore', content: 'ignored/\n*.log\n!x\n' },
  { path: 'crlf.txt', content: 'a\r\nB\n\r\nno newline at the end' },
  { path: 'ident.c', content: '/* $Id$ */ $Id: stays $\r\n' },
  { path: 'text.utf16', content: 'plain ünd more\n' },
  { path: 'data.bin', content: Buffer.concat([binary, binary]) },
  { path: 'moved/tool', mode: '100644', content: '#!/bin/sh\necho a long enough text to be found again\n' },
  { path: 'other-link', mode: '120000', content: 'crlf.txt' },
  { path: 'vendor/sub', mode: '160000', content: submodule },
  { path: 'becomes-directory/inside', content: 'i' },
  { path: 'becomes-file', mode: '100755', content: 'now a file' },
  { path: 'README.md', content: 'read me, a text that is long enough to be found again\nmore\n' },
  { path: unreadable, content: 'kept' },
  { path: 'd/plain', mode: '100755', content: 'p' },
  { path: 'bom.txt', content: '\ufeffwith mark, changed\n' },
  { path: 'link-to-file', content: 'a file now' },
  { path: 'ignored/yes.log', content: 'ignored and committed all the same\n' },
  { path: 'with space and "quotes".txt', content: 'q' },
  { path: '-leading-dash', content: '-' },
  { path: 'ünïcode/日本語/🧟 emoji.txt', content: '🧟' },
  { path: "it's $HOME `x` *?[a].txt", content: '' },
  { path: 'ends in space /x. ', content: ' ' },
];

describe('a recorded commit as an answer', () => {
  it.each([true, false])('[AR-5.1] ends in the very same tree (renames: %s)', async (renames) => {
    await using repository = await SpecRepository.create();
    const { git, workTree } = repository;
    // Without renames, a link that moves is a new link, which an answer cannot express.
    const kept = ({ path }: RecordedFile) => renames || (path !== 'link' && path !== 'other-link');
    const [parent = '', recorded = ''] = await repository.record([before.filter(kept), after.filter(kept)]);
    await checkoutBase(git, { commit: parent, branch: 'work' });
    expect(await replay(repository, recorded, renames)).toBe(await repository.treeOf(recorded));

    const written = await filesOnDisk(workTree);
    await checkoutBase(git, { commit: recorded, branch: 'again' });
    expect(written).toEqual(await filesOnDisk(workTree));
    expect(written).toEqual(
      new Map([...expectedOnDisk(after.filter(isFile).filter(kept)), ['vendor/sub/', 'empty']]),
    );
  });

  it('[AR-5.1] says what an answer cannot express', async () => {
    await using repository = await SpecRepository.create();
    const [first = '', second = ''] = await repository.record([
      [{ path: 'link', mode: '120000', content: 'a' }],
      [
        { path: 'link', mode: '120000', content: 'elsewhere entirely' },
        { path: 'sub', mode: '160000', content: submodule },
        { path: 'a\\b', content: '' },
      ],
    ]);
    const outcome = await answerOfCommit(repository.git, second);
    expect(outcome).toMatchObject({
      kind: 'not_expressible',
      reasons: [{ path: 'a\\b' }, { path: 'link' }, { path: 'sub' }],
    });
    expect(await answerOfCommit(repository.git, first)).toMatchObject({ kind: 'not_expressible' });
  });

  it('[AR-5.1] ends in the same tree for 200 random changes', async () => {
    await using repository = await SpecRepository.create();
    const random = seeded(20_261_101);
    const trees: RecordedFile[][] = [[{ path: 'a', content: 'start' }]];
    for (let step = 0; step < 200; step += 1) trees.push(mutate(trees.at(-1) ?? [], random));
    const [first = '', ...commits] = await repository.record(trees);
    await checkoutBase(repository.git, { commit: first, branch: 'work' });
    for (const [index, commit] of commits.entries()) {
      const tree = await replay(repository, commit, index % 2 === 0);
      expect({ index, tree }).toEqual({ index, tree: await repository.treeOf(commit) });
      expect(await filesOnDisk(repository.workTree)).toEqual(expectedOnDisk(trees[index + 1] ?? []));
    }
  }, 120_000);
});

function isFile({ mode }: RecordedFile): boolean {
  return mode !== '160000';
}

/** Applies the commit's own answer to its parent, in the work tree too, and returns the tree that comes out. */
async function replay({ git, workTree }: SpecRepository, commit: string, renames: boolean): Promise<string> {
  const recorded = await answerOfCommit(git, commit, { renames });
  if (recorded.kind !== 'answer') throw new Error(JSON.stringify(recorded.reasons));
  const view = ChangedTree.of(await BaseTree.load(git, recorded.parent));
  const outcome = await applyAnswer(view, recorded.answer.code_changes);
  if (outcome.kind === 'no_effect' && recorded.answer.code_changes.length === 0) return recorded.tree;
  if (outcome.kind !== 'applied') throw new Error(JSON.stringify(outcome));
  await writeChanges(workTree, view, outcome.tree);
  const built = await buildCommit(git, {
    base: recorded.parent,
    branch: 'work',
    overlay: outcome.tree.overlay,
    message: 'm',
    author: { name: 'N', email: 'n@example.org' },
    date: new Date(0),
  });
  return built.tree;
}

function mutate(files: readonly RecordedFile[], random: (below: number) => number): RecordedFile[] {
  const next = new Map(files.map((file) => [file.path.toString(), file]));
  const put = (file: RecordedFile) => {
    const path = file.path.toString();
    for (const other of [...next.keys()]) {
      if (other.startsWith(`${path}/`) || path.startsWith(`${other}/`)) next.delete(other);
    }
    next.set(path, file);
  };
  for (let times = random(6); times >= 0; times -= 1) {
    const paths = [...next.keys()];
    const chosen = next.get(paths[random(paths.length)] ?? '');
    const name = Array.from({ length: 1 + random(3) }, () => segments[random(segments.length)]).join('/');
    const kind = random(5);
    if (kind === 0 && chosen && next.size > 1) next.delete(chosen.path.toString());
    else if (kind === 1 && chosen) {
      next.delete(chosen.path.toString());
      put({ ...chosen, path: name });
    } else put({ path: name, mode: random(4) === 0 ? '100755' : '100644', content: contents(random) });
  }
  return [...next.values()];
}

const segments = ['a', 'b', 'A', 'dir', 'x y', 'ü', '"q"', '-n', '.hidden', '🧟', 'dir.txt', 'dir-'];

function contents(random: (below: number) => number): Buffer {
  const text = Array.from(
    { length: random(5) },
    () => `line ${random(9)}${random(3) === 0 ? '\r' : ''}\n`,
  ).join('');
  return random(5) === 0 ? Buffer.from([random(256), random(256), 0, random(256)]) : Buffer.from(text);
}

/** A small generator of numbers (mulberry32), so that a failure can be repeated. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
