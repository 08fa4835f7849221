import type { ChangedTree } from '@necrocode/workspace';
import { estimateTokens } from '@necrocode/llm';
import { isShowable } from '../prompt/choose-files.js';
import type { Contents } from '../prompt/dialogue.js';
import { tellFailingTests, type SameAs } from '../prompt/feedback.js';
import type { ShownFile } from '../prompt/select-files.js';
import type { Round, RoundScene } from './round.js';
import type { Failure } from './round-history.js';
import { contentsOf } from './stale-view.js';
import { describeFailures, findingOf } from './stages/run-commands.js';

/**
 * Runs setup and tests on the tree that an answer led to. They are costly, so files that have failed
 * before in this run are not tested again: the model is told the same evidence once more.
 *
 * @param known what the model knows without being shown it
 * @param sameAs an earlier round with the same answer
 */
export async function testRound(
  scene: RoundScene,
  known: Contents,
  sameAs: SameAs | undefined,
): Promise<Round> {
  const { current: tree, past, record } = scene;
  record.change = tree;
  const earlier = past.failureOf(tree);
  const failure = earlier ?? (await runTests(scene));
  if (!failure) return { kind: 'passed', change: tree };
  if (!earlier) past.noteFailure(failure);
  return setBack(scene, failure, known, earlier && (sameAs ?? sameFiles(earlier)));
}

/** Undefined when everything passes. */
async function runTests({
  current: tree,
  draft,
  commands,
  stages,
  record,
}: RoundScene): Promise<Failure | undefined> {
  draft.begin(tree);
  const setup = await commands.setup([...tree.overlay.keys()]);
  const setupFailed = setup.some((report) => !report.passed);
  const runs = setupFailed
    ? setup
    : await stages.run(
        'run_tests',
        () => commands.test(),
        (reports) => findingOf(reports, 'tests_failed'),
      );
  const failing = runs.filter((report) => !report.passed);
  if (failing.length === 0) return undefined;
  return {
    round: record.rounds,
    code: setupFailed ? 'setup_failed' : 'tests_failed',
    why: describeFailures(failing),
    failing,
    tree,
  };
}

function sameFiles({ round, code }: Failure): SameAs {
  const what = code === 'setup_failed' ? 'setup' : 'tests';
  return { round, what: 'files', ended: `with which the ${what} failed` };
}

/** Of a change with very many files, this many are shown back. */
const mostShownChanges = 20;
/** Enough for assertions, not for whole build logs. */
const mostEvidenceTokens = 6_000;

async function setBack(
  { current: tree, tellTokens }: RoundScene,
  failure: Failure,
  known: Contents,
  sameAs: SameAs | undefined,
): Promise<Round> {
  const evidenceTokens = Math.min(mostEvidenceTokens, Math.floor(tellTokens / 2));
  const { files, more } = await shownChanges(tree, known, tellTokens - evidenceTokens);
  const again = sameAs ? ` (the same ${sameAs.what} as in round ${sameAs.round}, not tested again)` : '';
  return {
    kind: 'set_back',
    change: tree,
    tell: tellFailingTests(failure.failing, files, evidenceTokens, { sameAs, more }),
    shows: new Map([
      ...known,
      ...contentsOf(
        tree,
        files.map(({ path }) => path),
      ),
    ]),
    setback: { code: failure.code, why: failure.why + again, sameAs: sameAs?.round },
  };
}

/** The changed files as they are now, first those that the model has not written itself, as far as there is room. */
async function shownChanges(
  tree: ChangedTree,
  known: Contents,
  maxTokens: number,
): Promise<{ readonly files: readonly ShownFile[]; readonly more: number }> {
  const present = [...tree.overlay].filter(([, entry]) => entry.kind === 'blob').map(([path]) => path);
  const unknownFirst = [
    ...present.filter((path) => !known.has(path)),
    ...present.filter((path) => known.has(path)),
  ];
  let left = maxTokens;
  const files: ShownFile[] = [];
  for (const [path, bytes] of await tree.read(unknownFirst)) {
    if (files.length === mostShownChanges || !isShowable(bytes)) continue;
    const text = new TextDecoder().decode(bytes);
    const cost = estimateTokens(text) + estimateTokens(path);
    if (cost > left) continue;
    left -= cost;
    files.push({ path, text });
  }
  return { files, more: present.length - files.length };
}
