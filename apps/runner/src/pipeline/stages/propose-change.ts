import { RunnerError } from '@necrocode/contracts';
import type { Mask } from '@necrocode/telemetry';
import type { DialogueRequest } from '../../prompt/dialogue.js';
import { frameRequest } from '../../prompt/frame-request.js';
import type { ModelChoice } from '../model-choice.js';
import type { AttemptRecord } from '../attempt-record.js';
import { storedAnswerSchema, type Checkpoint, type StoredAnswer } from '../checkpoint.js';
import type { ArtifactStore, Lease, TaskRegistry } from '../ports.js';

/** What answers are stored with, and where those of earlier attempts come from. */
export interface AnswerStore {
  /** Whether there are answers that an earlier attempt has paid for and this one has not used yet. */
  readonly replaying: boolean;
  /** The next of them, in the order of asking; undefined after the last. */
  replay(): Promise<StoredAnswer | undefined>;
  /** Returns only when a later attempt will find the answer. */
  keep(answer: StoredAnswer): Promise<void>;
}

/** Who is asked, and where what was asked and answered is noted. */
export interface Proposer {
  readonly models: ModelChoice;
  readonly answers: AnswerStore;
  readonly record: AttemptRecord;
  readonly mask: Mask;
  readonly signal: AbortSignal;
}

/**
 * The model's next answer: one that is already paid for, or a new one, which is stored before it is used.
 *
 * @param request all of it but the system's part, which the model in use decides
 * @throws what the last of the models threw; the transcript has it
 */
export async function proposeChange(
  { models, answers, record, mask, signal }: Proposer,
  request: DialogueRequest,
): Promise<StoredAnswer> {
  const replayed = await answers.replay();
  if (replayed) {
    addExchange(record, request, replayed, true);
    return replayed;
  }
  const answer = await models
    .chat(({ format }) => frameRequest(format, request.messages), signal)
    .catch((error: unknown) => {
      addFailure(record, request, models, error);
      throw error;
    });
  record.addUsage(answer);
  const text = mask(answer.text);
  const stored: StoredAnswer = {
    text,
    format: answer.format,
    finish_reason: text === answer.text ? answer.finishReason : 'secret',
    model: answer.model,
    usage: answer.usage,
    latency_ms: answer.latencyMs,
  };
  addExchange(record, request, stored, false);
  await answers.keep(stored);
  return stored;
}

/** Keeps answers in the artifact store and their places in the run's checkpoint. */
export function createAnswerStore(
  ports: { readonly registry: TaskRegistry; readonly store: ArtifactStore },
  lease: Lease,
  checkpoint: Checkpoint,
  record: AttemptRecord,
): AnswerStore {
  let { answers } = checkpoint;
  let replayed = 0;
  const replaying = () => replayed < checkpoint.answers.length;
  if (!replaying()) record.countRounds(0);
  return {
    get replaying() {
      return replaying();
    },
    async replay() {
      const next = checkpoint.answers[replayed];
      if (!next) return undefined;
      const stored = storedAnswerSchema.parse(
        JSON.parse((await ports.store.download(next.uri)).toString('utf8')),
      );
      replayed += 1;
      if (!replaying()) record.countRounds(checkpoint.rounds_seconds ?? 0);
      return stored;
    },
    async keep(answer) {
      const { uri } = await ports.store.upload(lease, {
        type: 'llm_answer',
        name: `answer-${answers.length + 1}.json`,
        mediaType: 'application/json',
        content: Buffer.from(JSON.stringify(answer)),
      });
      answers = [...answers, { uri }];
      await ports.registry.saveCheckpoint(lease, {
        base_commit: record.baseCommit,
        answers,
        usage: record.usage,
        rounds_seconds: record.roundsSeconds,
      });
    },
  };
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
