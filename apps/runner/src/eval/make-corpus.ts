import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Edit } from '@necrocode/contracts';
import { applyAnswer, BaseTree, buildCommit, ChangedTree, Git, type Overlay } from '@necrocode/workspace';
import {
  perturbations,
  randomCase,
  randomCode,
  seeded,
  type EditCase,
  type Perturbation,
  type PerturbedEdit,
  type Random,
} from '@necrocode/workspace/perturbations';
import { writeBlocks } from '../prompt/write-blocks.js';
import type { EvalCase } from './corpus.js';

/**
 * `npm run eval:corpus -- FOLDER [REPOSITORY [CASES_PER_KIND]]`: makes a corpus of perfect and perturbed edits out of the
 * changes in a repository's history (this project's by default) and of synthetic code. The same history
 * gives the same corpus.
 */
const [folder = 'eval/corpus', source = '.'] = process.argv.slice(2);
/** Files whose changes make cases. */
const sources = ['*.ts', '*.js', '*.py', '*.go', '*.rs', '*.java', '*.c'];
const perKind = Number(process.argv[4] ?? 24);
const random = seeded(2_026);
const work = mkdtempSync(join(tmpdir(), 'necrocode-corpus-'));

try {
  await makeCorpus(resolve(folder), resolve(source));
} finally {
  rmSync(work, { recursive: true, force: true });
}

interface Draft {
  readonly kind: string;
  readonly path: string;
  readonly text: string;
  /** The edits of each answer. */
  readonly answers: readonly (readonly Edit[])[];
  readonly expected: string | undefined;
}

async function makeCorpus(target: string, repository: string): Promise<void> {
  const real = changesOf(repository);
  const perturbed = (Object.keys(perturbations) as Perturbation[]).flatMap((kind) => draftsOf(kind, real));
  const drafts = [...perturbed, ...draftsOfTwo(false), ...draftsOfTwo(true), ...secondAnswers(real)];
  const git = openRepository();
  const base = await commitFiles(git, new Map(drafts.map(({ path, text }) => [path, text])));
  const lines: string[] = [];
  for (const [index, draft] of drafts.entries())
    lines.push(JSON.stringify(await caseOf(draft, index, git, base)));
  rmSync(target, { recursive: true, force: true });
  mkdirSync(join(target, 'repositories'), { recursive: true });
  writeFileSync(join(target, 'cases.jsonl'), `${lines.join('\n')}\n`);
  await git.pipe([
    'bundle',
    'create',
    '--quiet',
    join(target, 'repositories/cases.bundle'),
    'refs/heads/main',
  ]);
  process.stdout.write(`${lines.length} cases in ${target}\n`);
}

function draftsOf(kind: Perturbation, real: readonly EditCase[]): Draft[] {
  const drafts: Draft[] = [];
  for (let tries = 0; drafts.length < perKind && tries < 2_000; tries += 1) {
    const edit = tries % 2 === 0 ? real[random(real.length)] : syntheticChange(random);
    if (!edit || !standsOnce(edit)) continue;
    const perturbed = perturbations[kind](edit, random);
    if (perturbed) drafts.push(draft(kind, drafts.length, perturbed, [[perturbed.edit]]));
  }
  return drafts;
}

function draft(
  kind: string,
  number: number,
  { text, expected }: Pick<PerturbedEdit, 'text' | 'expected'>,
  answers: Draft['answers'],
): Draft {
  return { kind, path: `${kind}/file-${number}.ts`, text, expected, answers };
}

/** Two changes of one file in one answer; `reordered`: the one that stands further down comes first. */
function draftsOfTwo(reordered: boolean): Draft[] {
  const kind = reordered ? 'reordered_edits' : 'several_edits';
  const drafts: Draft[] = [];
  for (let tries = 0; drafts.length < perKind && tries < 2_000; tries += 1) {
    const lines = randomCode(random, 10, random(2) === 0);
    const [upper, lower] = [randomCase(lines, random), randomCase(lines, random)].sort((a, b) => a.at - b.at);
    if (!upper || !lower || !standsOnce(upper) || !standsOnce(lower)) continue;
    // What one shows the other must not change.
    if (upper.at + upper.deleted + upper.after > lower.at - lower.before) continue;
    const edits = [upper, lower].map((edit) => perturbations.none(edit).edit);
    const below = lines.toSpliced(lower.at, lower.deleted, ...lower.inserted);
    const both = below.toSpliced(upper.at, upper.deleted, ...upper.inserted);
    const texts = { text: textOf(lines), expected: textOf(both) };
    const [, second] = reordered ? edits.toReversed() : edits;
    const afterFirst = reordered ? below : lines.toSpliced(upper.at, upper.deleted, ...upper.inserted);
    if (second && textOf(afterFirst).split(second.search).length !== 2) continue;
    drafts.push(draft(kind, drafts.length, texts, [reordered ? edits.toReversed() : edits]));
  }
  return drafts;
}

/** A first answer that has to be refused, and the right one after it. */
function secondAnswers(real: readonly EditCase[]): Draft[] {
  return draftsOf('elided_replace', real).map(({ text, answers: [elided = []] }, number) => {
    const [{ search } = { search: '' }] = elided;
    const replace = search.replace(/^.*\n/, (line) => `${line}inserted(${number});\n`);
    const expected = text.replace(search, () => replace);
    return draft('second_answer', number, { text, expected }, [elided, [{ search, replace }]]);
  });
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function syntheticChange(from: Random): EditCase {
  return randomCase(randomCode(from, 8, from(2) === 0), from);
}

/** Whether what the edit shows stands in its file once, white space aside; otherwise its place is not clear. */
function standsOnce({ lines, at, deleted, before, after }: EditCase): boolean {
  const plain = lines.map((line) => line.trim());
  const shown = plain.slice(at - before, at + deleted + after);
  if (shown.join('').length < 12) return false;
  const starts = plain.flatMap((_line, row) =>
    shown.every((line, offset) => plain[row + offset] === line) ? [row] : [],
  );
  return starts.length === 1;
}

/** Hunks of the history's commits, each on the file as it was. */
function changesOf(repository: string): EditCase[] {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: repository, encoding: 'utf8', maxBuffer: 1 << 28 });
  const cases: EditCase[] = [];
  for (const commit of git('rev-list', '--no-merges', '--min-parents=1', '--reverse', 'HEAD')
    .trim()
    .split('\n')) {
    const files = git(
      'diff',
      '--diff-filter=M',
      '--name-only',
      `${commit}^`,
      commit,
      '--',
      ...sources,
    ).trim();
    for (const file of files === '' ? [] : files.split('\n')) {
      const lines = git('show', `${commit}^:${file}`).replace(/\n$/, '').split('\n');
      if (lines.length < 30 || lines.length > 400) continue;
      cases.push(...hunksOf(git('diff', '-U0', `${commit}^`, commit, '--', file), lines));
    }
  }
  return cases;
}

function hunksOf(diff: string, lines: readonly string[]): EditCase[] {
  const hunks = diff.split(/^@@ /m).slice(1);
  return hunks.flatMap((hunk) => {
    const header = /^-(\d+)(?:,(\d+))? \+/.exec(hunk);
    if (!header) return [];
    const deleted = Number(header[2] ?? 1);
    // A pure insertion names the line before it.
    const at = deleted === 0 ? Number(header[1]) : Number(header[1]) - 1;
    const inserted = hunk
      .split('\n')
      .filter((line) => line.startsWith('+'))
      .map((line) => line.slice(1));
    if (deleted + inserted.length === 0 || deleted > 20 || inserted.length > 40) return [];
    return [
      {
        lines,
        at,
        deleted,
        inserted,
        before: Math.min(at, 3),
        after: Math.min(lines.length - at - deleted, 3),
      },
    ];
  });
}

async function caseOf(draft: Draft, index: number, git: Git, base: string): Promise<EvalCase> {
  const answers = draft.answers.map((edits) => ({
    code_changes: [{ file_path: draft.path, operation: 'modify' as const, edits: [...edits] }],
  }));
  const format = index % 2 === 0 ? 'json' : 'blocks';
  return {
    name: `${draft.kind}-${index}`,
    repository: 'cases',
    base,
    format,
    answers: answers.map((answer) => (format === 'json' ? answer : writeBlocks(answer))),
    expected_tree:
      draft.expected === undefined ? null : await treeWith(git, base, draft.path, draft.expected),
    kind: draft.kind,
  };
}

/** The tree in which the file has the expected text, made without the engine that is to be judged. */
async function treeWith(git: Git, base: string, path: string, text: string): Promise<string> {
  const tree = ChangedTree.of(await BaseTree.load(git, base));
  const whole = await applyAnswer(tree, [{ file_path: path, operation: 'modify', content: text }]);
  if (whole.kind !== 'applied') throw new Error(`${path}: the expected text changes nothing`);
  return (await commitOverlay(git, base, 'expected', whole.tree.overlay)).tree;
}

function openRepository(): Git {
  const gitDir = join(work, 'cases.git');
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', gitDir], { stdio: 'pipe' });
  return new Git({ gitDir }, { protocols: [] });
}

async function commitFiles(git: Git, files: ReadonlyMap<string, string>): Promise<string> {
  const parts = [
    'feature done\n',
    'commit refs/heads/main\n',
    'mark :1\n',
    'committer eval <eval> 0 +0000\n',
    'data 5\ncases\n',
  ];
  for (const [path, text] of files) {
    const bytes = Buffer.from(text);
    parts.push(`M 100644 inline ${path}\n`, `data ${bytes.length}\n`, text, '\n');
  }
  const answer = await git.pipe(
    ['fast-import', '--quiet', '--done', '--force'],
    [...parts, '\n', 'get-mark :1\n', 'done\n'],
  );
  return answer.toString('utf8').trim();
}

function commitOverlay(git: Git, base: string, branch: string, overlay: Overlay) {
  const author = { name: 'eval', email: 'eval' };
  return buildCommit(git, { base, branch, overlay, message: 'expected', author, date: new Date(0) });
}
