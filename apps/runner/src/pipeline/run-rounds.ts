import { RunnerError, type ErrorCode } from '@necrocode/contracts';
import { addSpanEvent, counter, withInheritedAttributes } from '@necrocode/telemetry';
import { ChangedTree } from '@necrocode/workspace';
import { buildPrompt } from '../prompt/build-prompt.js';
import { Dialogue } from '../prompt/dialogue.js';
import { viewOf } from '../prompt/repository-view.js';
import { playRound } from './play-round.js';
import type { Round, RoundScene, RoundsInput } from './round.js';
import { RoundHistory } from './round-history.js';
import { contentsOf } from './stale-view.js';
import { proposeChange } from './stages/propose-change.js';

const rounds = counter('necrocode.rounds', 'Rounds of tasks by the way they ended');

/** Of a conversation, for what is told after one answer: the answers before it need room as well. */
const tellShare = 0.5;
/** Less would say nothing. */
const leastTellTokens = 1_000;

/**
 * Propose, apply, test, until the tests pass: the only loop of a task.
 *
 * @returns the change that passed
 * @throws RunnerError with the code of the last setback when the rounds are used up; budget_exceeded;
 *   whatever the model's client throws
 */
export async function runRounds(input: RoundsInput): Promise<ChangedTree> {
  const { budget, record, stages, answers, workspace } = input;
  const opened = await openDialogue(input);
  const { dialogue } = opened;
  const past = new RoundHistory();
  let current = ChangedTree.of(workspace.tree);
  let fileRequests = 0;
  for (;;) {
    if (!answers.replaying) budget.check(record);
    record.rounds += 1;
    const scene = { ...input, ...opened, current, past, fileRequests };
    const { answer, round } = await withInheritedAttributes(
      { 'necrocode.round': record.rounds },
      async () => {
        const replayed = answers.replaying;
        const proposed = await stages.run(
          'propose_change',
          () => proposeChange(input, dialogue.request()),
          () => ({ attributes: { 'necrocode.answer.replayed': replayed } }),
        );
        return { answer: proposed, round: await playRound(proposed, scene) };
      },
    );
    current = round.change;
    record.change = current;
    noteEnd(round, input);
    if (round.kind === 'passed') return current;
    if (round.kind === 'wants_files') {
      fileRequests += 1;
      record.rounds -= 1;
    } else if (record.rounds >= budget.maxRounds) {
      const { code, why, reasonCode: reason } = round.setback;
      throw new RunnerError(code, why, { reason });
    }
    dialogue.add({ answer: answer.text, tell: round.tell, shows: round.shows });
  }
}

async function openDialogue(
  input: RoundsInput,
): Promise<Pick<RoundScene, 'dialogue' | 'tellTokens' | 'ignores'>> {
  const { task, workspace, promptTokens, conversationTokens, models } = input;
  const { format } = models.current;
  const prompt = await buildPrompt(task, viewOf(workspace.tree), promptTokens, { format });
  const opening = prompt.messages.filter(({ role }) => role !== 'system');
  const shown = contentsOf(ChangedTree.of(workspace.tree), prompt.shownFiles);
  const room = conversationTokens - prompt.estimatedTokens;
  const tellTokens = Math.max(leastTellTokens, Math.floor(room * tellShare));
  return { dialogue: new Dialogue(opening, shown, room), tellTokens, ignores: prompt.ignores };
}

/** Tokens are those of the whole run so far. A request for files is no round. */
function noteEnd(round: Round, { record, tell }: RoundsInput): void {
  if (round.kind === 'wants_files') return;
  const { usage } = record;
  const outcome: ErrorCode | 'passed' = round.kind === 'passed' ? 'passed' : round.setback.code;
  const { sameAs, reasonCode } = round.kind === 'passed' ? {} : round.setback;
  rounds.add(1, { 'necrocode.round.outcome': outcome, 'necrocode.round.repeated': sameAs !== undefined });
  addSpanEvent('round_ended', { 'necrocode.round': record.rounds, 'necrocode.round.outcome': outcome });
  tell('RoundEnded', {
    round: record.rounds,
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    outcome,
    ...(round.kind === 'set_back' && { reason: round.setback.why }),
    ...(reasonCode !== undefined && { reason_code: reasonCode }),
    ...(sameAs !== undefined && { same_as_round: sameAs }),
  });
}
