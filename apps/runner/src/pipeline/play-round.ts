import type { Answer, Change, ErrorCode } from '@necrocode/contracts';
import {
  formatChangeProblems,
  type ChangedTree,
  type ChangeProblem,
  type ProblemReason,
} from '@necrocode/workspace';
import type { Contents } from '../prompt/dialogue.js';
import { excerptOf } from '../prompt/excerpt.js';
import { tellNoMoreFiles, tellRefusal, type Refusal, type SameAs } from '../prompt/feedback.js';
import { readAnswer } from '../prompt/read-answer.js';
import type { StoredAnswer } from './checkpoint.js';
import type { Round, RoundScene } from './round.js';
import { objectToSecrets } from './object-to-secrets.js';
import { answerKey, isInPlace, type PastAnswer } from './round-history.js';
import { objectToSensitive } from './sensitive-files.js';
import { showFiles } from './show-files.js';
import { contentsOf, objectToUnseen, revealUnknown } from './stale-view.js';
import { applyChange, findingOf, layerCounts } from './stages/apply-change.js';
import { testRound } from './test-round.js';

/** How often a model may ask for files instead of answering. */
const maxFileRequests = 3;

/** Reads an answer, applies it and runs the tests, as far as it gets; what went wrong becomes what is told. */
export async function playRound(answer: StoredAnswer, scene: RoundScene): Promise<Round> {
  const { text, format, finish_reason: finishReason } = answer;
  const { past, record } = scene;
  const read = finishReason === 'secret' ? 'secret' : readAnswer(text, finishReason, { format });
  const key = answerKey(read !== 'secret' && read.kind === 'answer' ? read.answer : text);
  const earlier = past.pastAnswer(key);
  const round = await judge(read, { ...scene, earlier });
  if (round.kind === 'set_back') {
    const after = round.change === scene.current ? undefined : round.change;
    past.noteAnswer(key, { round: record.rounds, code: round.setback.code, after });
  }
  return round;
}

interface Judging extends RoundScene {
  /** The same answer in an earlier round. */
  readonly earlier: PastAnswer | undefined;
}

async function judge(read: ReturnType<typeof readAnswer> | 'secret', scene: Judging): Promise<Round> {
  if (read === 'secret')
    return refuse('secret_in_change', { reasons: [secretReason], reasonCode: 'secret' }, scene);
  scene.models.noteForm(read.kind === 'answer');
  scene.tell('AnswerRead', {
    round: scene.record.rounds,
    ...(read.kind === 'answer' ? { recovered: read.recovered } : { reason_code: read.code }),
  });
  if (read.kind === 'unreadable') {
    return refuse('change_unparsable', { reasons: [read.message], reasonCode: read.code }, scene);
  }
  const { code_changes: changes, needs_files: wanted = [] } = read.answer;
  if (changes.length > 0) return applyAndTest(changes, scene);
  if (wanted.length === 0) return withoutEffect('Your answer holds no changes.', scene);
  return scene.fileRequests < maxFileRequests ? showFiles(wanted, scene) : refuseFiles(scene);
}

const secretReason = 'Your answer contains a secret of the runner. Never write credentials.';

async function applyAndTest(changes: Answer['code_changes'], scene: Judging): Promise<Round> {
  const { current, earlier, record, workspace, stages } = scene;
  // Edits that fit a second time would do twice what was meant once.
  if (earlier?.after && isInPlace(changes, earlier.after, current)) return withoutEffect(noEffect, scene);
  const objections = [...objectToUnseen(changes, scene), ...objectToSensitive(changes, scene.sensitiveFiles)];
  await scene.commands.ready();
  scene.signal.throwIfAborted();
  const applied = await stages.run(
    'apply_change',
    () =>
      applyChange(workspace, current, changes, objections, (tree) => objectToSecrets(tree, changes, scene)),
    findingOf,
  );
  switch (applied.kind) {
    case 'refused':
      return refuseChanges(applied.problems, changes, scene);
    case 'no_effect':
      return withoutEffect(noEffect, scene);
    case 'applied': {
      const { tree } = applied;
      scene.past.noteChange(current, tree, record.rounds);
      scene.tell('ChangeApplied', {
        round: record.rounds,
        files: tree.overlay.size,
        edits_by_layer: layerCounts(applied),
      });
      const after = { ...scene, current: tree };
      if (tree.overlay.size === 0)
        return refuse('change_without_effect', { lead: undoneLead, reasons: [undone] }, after);
      return testRound(after, wholeFiles(changes, tree), sameAnswer(scene));
    }
  }
}

const noEffect = 'Your changes have no effect: the files are already like that.';
const undoneLead = 'Your answer was applied, but there is nothing left to commit:';
const undone = 'It undoes everything that was changed before, and the files are those of the base again.';

/** What the model knows because it has written it. */
function wholeFiles(changes: readonly Change[], tree: ChangedTree): Contents {
  const paths = changes.flatMap((change) => {
    if (change.operation === 'delete' || change.content === undefined) return [];
    return [change.operation === 'rename' ? change.new_path : change.file_path];
  });
  return contentsOf(tree, paths);
}

async function refuseChanges(
  problems: readonly ChangeProblem[],
  changes: readonly Change[],
  scene: Judging,
): Promise<Round> {
  const { files, contents } = await revealUnknown(problems, changes, scene, scene.tellTokens / 2);
  const reasonCode = problems[0]?.reason;
  const refusal = { reasons: [formatChangeProblems(problems)], unknown: files, reasonCode };
  // Whatever else is wrong, an answer that brings a secret or reaches for a sensitive file is named after it.
  const has = (...reasons: ProblemReason[]) => problems.some(({ reason }) => reasons.includes(reason));
  if (has('secret', 'token')) return refuse('secret_in_change', refusal, scene, contents);
  if (has('sensitive')) return refuse('sensitive_file', refusal, scene, contents);
  return refuse('change_refused', refusal, scene, contents);
}

/** After failing tests, an answer that changes nothing is the same change again. */
function withoutEffect(reason: string, scene: Judging): Promise<Round> | Round {
  return scene.past.failureOf(scene.current)
    ? testRound(scene, new Map(), sameAnswer(scene))
    : refuse('change_without_effect', { reasons: [reason] }, scene);
}

/** Of the reasons in events and in the result. */
const mostReasonTokens = 1_000;

interface CodedRefusal extends Refusal {
  /** Which case of the code; of several, that of the first problem. */
  readonly reasonCode?: string | undefined;
}

function refuse(code: ErrorCode, refusal: CodedRefusal, scene: Judging, shows: Contents = new Map()): Round {
  const { current, models, tellTokens } = scene;
  const sameAs = sameAnswer(scene);
  const { reasonCode } = refusal;
  const reasons = excerptOf(refusal.reasons.join(' '), [], mostReasonTokens);
  const same = sameAs ? ` (the same answer as in round ${sameAs.round})` : '';
  const why = (reasonCode === undefined ? '' : `${reasonCode}: `) + reasons + same;
  return {
    kind: 'set_back',
    change: current,
    tell: tellRefusal({ ...refusal, format: models.current.format, sameAs }, tellTokens / 2),
    shows,
    setback: { code, reasonCode, why, sameAs: sameAs?.round },
  };
}

function refuseFiles({ current, models, earlier }: Judging): Round {
  const reasonCode = 'needs_files';
  const why = `${reasonCode}: the model asked for files more than ${maxFileRequests} times instead of answering`;
  return {
    kind: 'set_back',
    change: current,
    tell: tellNoMoreFiles(maxFileRequests, models.current.format),
    shows: new Map(),
    setback: { code: 'change_unparsable', reasonCode, why, sameAs: earlier?.round },
  };
}

const endings: Partial<Record<ErrorCode, string>> = {
  change_unparsable: 'which could not be read',
  change_refused: 'which was refused',
  secret_in_change: 'which was refused for a secret in it',
  sensitive_file: 'which was refused',
  change_without_effect: 'which had no effect',
  tests_failed: 'with which the tests failed',
  setup_failed: 'with which the setup failed',
};

function sameAnswer({ earlier }: Judging): SameAs | undefined {
  if (!earlier) return undefined;
  return { round: earlier.round, what: 'answer', ended: endings[earlier.code] ?? 'which failed' };
}
