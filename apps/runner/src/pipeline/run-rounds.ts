import { RunnerError, type ErrorCode, type Task } from '@necrocode/contracts';
import type { ChatMessage } from '@necrocode/llm';
import type { Mask } from '@necrocode/telemetry';
import { ChangedTree, formatChangeProblems } from '@necrocode/workspace';
import type { AnswerFormat } from '../prompt/answer-format.js';
import { buildPrompt } from '../prompt/build-prompt.js';
import { isSecretLooking, isShowable } from '../prompt/choose-files.js';
import { tellFailingTests, tellFiles, tellRefusal } from '../prompt/feedback.js';
import { readAnswer } from '../prompt/read-answer.js';
import { viewOf } from '../prompt/repository-view.js';
import type { AttemptRecord } from './attempt-record.js';
import type { CommitDraft } from './commit-draft.js';
import type { Budget } from './budget.js';
import type { StoredAnswer } from './checkpoint.js';
import type { ModelChoice } from './model-choice.js';
import type { Stages, TellEvent } from './run-stage.js';
import { applyChange, layerCounts } from './stages/apply-change.js';
import { proposeChange, type AnswerStore } from './stages/propose-change.js';
import type { PreparedCommands } from './prepare-commands.js';
import type { CommandReport } from './stages/run-commands.js';
import type { Workspace } from './stages/prepare-workspace.js';

export interface RoundsInput {
  readonly task: Task;
  readonly workspace: Workspace;
  readonly budget: Budget;
  readonly promptTokens: number;
  readonly answers: AnswerStore;
  readonly draft: CommitDraft;
  readonly commands: PreparedCommands;
  readonly models: ModelChoice;
  readonly mask: Mask;
  readonly record: AttemptRecord;
  readonly stages: Stages;
  readonly tell: TellEvent;
  readonly signal: AbortSignal;
}

/** How often a model may ask for files instead of answering. */
const maxFileRequests = 3;

/** What a round that did not succeed leaves: why, and what the model is told. */
interface Setback {
  readonly code: ErrorCode;
  readonly why: string;
  readonly tell: ChatMessage;
}

/**
 * Propose, apply, test, until the tests pass: the only loop of a task.
 *
 * @returns the change that passed
 * @throws RunnerError with the code of the last setback when the rounds are used up; budget_exceeded;
 *   whatever the model's client throws
 */
export async function runRounds(input: RoundsInput): Promise<ChangedTree> {
  const { task, workspace, budget, record, stages, tell } = input;
  const { format } = input.models.current;
  const prompt = await buildPrompt(task, viewOf(workspace.tree), input.promptTokens, { format });
  const opening = prompt.messages.filter(({ role }) => role !== 'system');
  let conversation: readonly ChatMessage[] = opening;
  let asked: readonly ChatMessage[] = opening;
  let current = ChangedTree.of(workspace.tree);
  let fileRequests = 0;
  let failing: Setback | undefined;
  for (;;) {
    budget.check(record);
    record.rounds += 1;
    const answer = await stages.run('propose_change', () =>
      proposeChange(input.models, conversation, asked, input.answers, record, input.mask, input.signal),
    );
    const round = afterTests(await playRound(answer, current, input), failing);
    current = round.change;
    record.change = current;
    if (round.kind === 'passed') {
      tell('RoundEnded', { ...roundFacts(record), outcome: 'passed' });
      return current;
    }
    if (round.kind === 'wants_files' && fileRequests < maxFileRequests) {
      fileRequests += 1;
      record.rounds -= 1;
    } else {
      tell('RoundEnded', { ...roundFacts(record), outcome: round.setback.code, reason: round.setback.why });
      if (provenBy(round)) failing = round.setback;
      if (record.rounds >= budget.maxRounds) throw new RunnerError(round.setback.code, round.setback.why);
    }
    asked = [round.setback.tell];
    conversation = [...conversation, { role: 'assistant', content: answer.text }, round.setback.tell];
  }
}

/** Tokens are those of the whole run so far. */
function roundFacts({ rounds, usage }: AttemptRecord): Record<string, unknown> {
  return { round: rounds, input_tokens: usage.input_tokens, output_tokens: usage.output_tokens };
}

type Round =
  | { readonly kind: 'passed'; readonly change: ChangedTree }
  | { readonly kind: 'wants_files' | 'set_back'; readonly change: ChangedTree; readonly setback: Setback };

async function playRound(
  { text, format, finish_reason: finishReason }: StoredAnswer,
  current: ChangedTree,
  input: RoundsInput,
): Promise<Round> {
  if (finishReason === 'secret') {
    return setBack(
      current,
      format,
      'change_refused',
      'Your answer contains a secret of the runner. Never write credentials.',
    );
  }
  const read = readAnswer(text, finishReason, { format });
  input.models.noteForm(read.kind === 'answer');
  input.tell('AnswerRead', {
    round: input.record.rounds,
    ...(read.kind === 'answer' ? { recovered: read.recovered } : { unreadable: read.code }),
  });
  if (read.kind === 'unreadable') return setBack(current, format, 'change_unparsable', read.message);
  const { code_changes: changes, needs_files: wanted } = read.answer;
  if (changes.length === 0 && wanted?.length) return showFiles(current, wanted);
  const applied = await input.stages.run('apply_change', () =>
    applyChange(input.workspace, current, changes),
  );
  switch (applied.kind) {
    case 'refused':
      return setBack(current, format, 'change_refused', formatChangeProblems(applied.problems));
    case 'no_effect':
      return setBack(
        current,
        format,
        'change_without_effect',
        'Your changes have no effect: the files are already like that.',
      );
    case 'applied':
      input.tell('ChangeApplied', {
        round: input.record.rounds,
        files: applied.tree.overlay.size,
        edits_by_layer: layerCounts(applied),
      });
      if (applied.tree.overlay.size > 0) return testChange(applied.tree, input);
      return setBack(
        applied.tree,
        format,
        'change_without_effect',
        'Your changes undo what was changed: nothing would be committed.',
      );
  }
}

/** Whether commands have shown that the change is not good. */
function provenBy({ setback }: Exclude<Round, { kind: 'passed' }>): boolean {
  return setback.code === 'tests_failed' || setback.code === 'setup_failed';
}

/**
 * A change that has no effect after one whose tests failed is the same change again: what is wrong is
 * still that the tests fail.
 */
function afterTests(round: Round, failing: Setback | undefined): Round {
  if (!failing || round.kind !== 'set_back' || round.setback.code !== 'change_without_effect') return round;
  const content = `${round.setback.why} The tests still fail as they did:\n\n${failing.tell.content}`;
  return { ...round, setback: { ...failing, tell: { role: 'user', content } } };
}

async function testChange(tree: ChangedTree, input: RoundsInput): Promise<Round> {
  const { record } = input;
  record.change = tree;
  input.draft.begin(tree);
  const setup = await input.commands.setup([...tree.overlay.keys()]);
  const setupFailed = setup.some((report) => !report.passed);
  const runs = setupFailed ? setup : await input.stages.run('run_tests', () => input.commands.test());
  const failing = runs.filter((report) => !report.passed);
  if (failing.length === 0) return { kind: 'passed', change: tree };
  const code = setupFailed ? 'setup_failed' : 'tests_failed';
  const why = failing.map(describeFailure).join('; ');
  return {
    kind: 'set_back',
    change: tree,
    setback: { code, why, tell: tellFailingTests(failing, await shownChanges(tree)) },
  };
}

async function showFiles(current: ChangedTree, wanted: readonly string[]): Promise<Round> {
  const contents = await current.read(wanted.filter((path) => !isSecretLooking(path)));
  const files = showable(contents);
  const missing = wanted.filter((path) => !files.some((file) => file.path === path));
  const setback = {
    code: 'change_unparsable',
    why: `the model asked for files more than ${maxFileRequests} times`,
    tell: tellFiles(files, missing),
  } as const;
  return { kind: 'wants_files', change: current, setback };
}

function setBack(change: ChangedTree, format: AnswerFormat, code: ErrorCode, ...reasons: string[]): Round {
  return {
    kind: 'set_back',
    change,
    setback: { code, why: reasons.join(' '), tell: tellRefusal(reasons, format) },
  };
}

/** Of a change with very many files, this many are shown back. */
const mostShownChanges = 20;

async function shownChanges(tree: ChangedTree): Promise<{ path: string; text: string }[]> {
  const present = [...tree.overlay].filter(([, entry]) => entry.kind === 'blob').map(([path]) => path);
  return showable(await tree.read(present.slice(0, mostShownChanges)));
}

function showable(contents: ReadonlyMap<string, Uint8Array>): { path: string; text: string }[] {
  return [...contents].flatMap(([path, bytes]) =>
    isShowable(bytes) ? [{ path, text: new TextDecoder().decode(bytes) }] : [],
  );
}

function describeFailure(report: CommandReport): string {
  if (report.limitHit) return `"${report.command}" was ended by the limit: ${report.limitHit}`;
  return `"${report.command}" ended with ${report.exitCode === null ? 'a signal' : `exit code ${report.exitCode}`}`;
}
