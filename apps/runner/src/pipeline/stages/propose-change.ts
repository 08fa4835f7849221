import { RunnerError } from '@necrocode/contracts';
import type { CallPermit, ChatMessage } from '@necrocode/llm';
import type { Mask } from '@necrocode/telemetry';
import type { DialogueRequest } from '../../prompt/dialogue.js';
import { frameRequest } from '../../prompt/frame-request.js';
import type { ModelChoice } from '../model-choice.js';
import type { AnswerStore } from '../answer-store.js';
import type { AttemptRecord } from '../attempt-record.js';
import type { StoredAnswer } from '../checkpoint.js';

/** Who is asked, and where what was asked and answered is noted. */
export interface Proposer {
  readonly models: ModelChoice;
  readonly answers: AnswerStore;
  readonly record: AttemptRecord;
  readonly mask: Mask;
  readonly signal: AbortSignal;
  /** So that nobody pays who has lost the task without knowing it. */
  readonly permit: CallPermit;
}

/**
 * The model's next answer: one that is already paid for, or a new one, which is stored before it is used.
 *
 * @param request all of it but the system's part, which the model in use decides
 * @throws what the last of the models threw; the transcript has it
 */
export async function proposeChange(
  { models, answers, record, mask, signal, permit }: Proposer,
  request: DialogueRequest,
): Promise<StoredAnswer> {
  const replayed = await answers.replay();
  if (replayed) {
    addExchange(record, request, replayed, true);
    return replayed;
  }
  const masked = (message: ChatMessage) => ({ ...message, content: mask(message.content) });
  const answer = await models
    .chat(({ format }) => frameRequest(format, request.messages.map(masked)), {
      signal,
      permit,
      onUnanswered: () => record.addUnanswered(),
    })
    .catch((error: unknown) => {
      addFailure(record, request, models, error);
      throw error;
    });
  // What only looks like a token stays as it is: whether it may is judged by the files, also when replayed.
  const secret = mask.holdsSecret(answer.text);
  const stored: StoredAnswer = {
    text: secret ? mask(answer.text) : answer.text,
    format: answer.format,
    finish_reason: secret ? 'secret' : answer.finishReason,
    model: answer.model,
    usage: answer.usage,
    cost_usd: answer.costUsd,
    latency_ms: answer.latencyMs,
  };
  record.addUsage(stored);
  addExchange(record, request, stored, false);
  await answers.keep(stored);
  return stored;
}

function addExchange(
  record: AttemptRecord,
  { asked, history }: DialogueRequest,
  stored: StoredAnswer,
  replayed: boolean,
): void {
  record.exchanges.push({
    round: record.rounds,
    format: stored.format,
    asked,
    history,
    answer: stored.text,
    finishReason: stored.finish_reason,
    model: stored.model ?? null,
    usage: stored.usage ?? null,
    latencyMs: stored.latency_ms ?? null,
    replayed,
  });
}

/** A request without an answer belongs into the transcript as well. */
function addFailure(
  record: AttemptRecord,
  { asked, history }: DialogueRequest,
  { current }: ModelChoice,
  thrown: unknown,
): void {
  const { code, message } = RunnerError.from(thrown);
  record.exchanges.push({
    round: record.rounds,
    format: current.format,
    asked,
    history,
    error: { code, message },
    model: current.client.model,
    usage: null,
    latencyMs: null,
    replayed: false,
  });
}
