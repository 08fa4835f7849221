import { answerSchema } from '@necrocode/contracts';
import type { ChatAnswer, ChatMessage, ChatRequest } from '@necrocode/llm';
import type { Mask } from '@necrocode/telemetry';
import { z } from 'zod';
import { systemPromptFor } from '../../prompt/system-prompt.js';
import type { Model, ModelChoice } from '../model-choice.js';
import type { AttemptRecord } from '../attempt-record.js';
import { storedAnswerSchema, type Checkpoint, type StoredAnswer } from '../checkpoint.js';
import type { ArtifactStore, Lease, TaskRegistry } from '../ports.js';

/** What answers are stored with, and where those of earlier attempts come from. */
export interface AnswerStore {
  /** The answer that an earlier attempt has paid for, in the order of asking; undefined after the last. */
  replay(): Promise<StoredAnswer | undefined>;
  /** Returns only when a later attempt will find the answer. */
  keep(answer: StoredAnswer): Promise<void>;
}

const responseSchema = { name: 'code_changes', schema: z.toJSONSchema(answerSchema, { io: 'input' }) };

/**
 * The model's next answer: one that is already paid for, or a new one, which is stored before it is used.
 *
 * @param conversation all of it but the system's part, which the model in use decides; `asked` is what is new
 */
export async function proposeChange(
  models: ModelChoice,
  conversation: readonly ChatMessage[],
  asked: readonly ChatMessage[],
  answers: AnswerStore,
  record: AttemptRecord,
  mask: Mask,
  signal: AbortSignal,
): Promise<StoredAnswer> {
  const replayed = await answers.replay();
  if (replayed) {
    addExchange(record, asked, replayed, undefined);
    return replayed;
  }
  const answer = await models.chat((model) => requestFor(model, conversation), signal);
  record.addUsage(answer);
  const text = mask(answer.text);
  const stored: StoredAnswer = {
    text,
    format: answer.format,
    finish_reason: text === answer.text ? answer.finishReason : 'secret',
  };
  addExchange(record, asked, stored, answer);
  await answers.keep(stored);
  return stored;
}

function requestFor({ format }: Model, conversation: readonly ChatMessage[]): ChatRequest {
  const messages: ChatMessage[] = [{ role: 'system', content: systemPromptFor(format) }, ...conversation];
  return format === 'json' ? { messages, responseSchema } : { messages };
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
  return {
    async replay() {
      const next = checkpoint.answers[replayed];
      if (!next) return undefined;
      replayed += 1;
      return storedAnswerSchema.parse(JSON.parse((await ports.store.download(next.uri)).toString('utf8')));
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
      });
    },
  };
}

function addExchange(
  record: AttemptRecord,
  asked: readonly ChatMessage[],
  stored: StoredAnswer,
  answer: ChatAnswer | undefined,
): void {
  record.exchanges.push({
    round: record.rounds,
    asked,
    answer: stored.text,
    model: answer?.model ?? null,
    usage: answer?.usage ?? null,
    latencyMs: answer?.latencyMs ?? null,
    replayed: answer === undefined,
  });
}
