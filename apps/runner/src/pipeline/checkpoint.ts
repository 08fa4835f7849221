import { usageSchema } from '@necrocode/contracts';
import { z } from 'zod';
import { answerFormats } from '../prompt/answer-format.js';

const count = z.int().min(0);

/** What a later attempt of the run needs in order not to do, or pay for, anything again. */
export const checkpointSchema = z.object({
  base_commit: z.string().nullable(),
  /** Answers of the model, oldest first, as stored before they were used. */
  answers: z.array(z.object({ uri: z.string() })),
  usage: usageSchema.nullable(),
  /** Those of the calls that brought nothing. */
  unanswered: count.optional(),
  /** What the rounds had taken when the last answer came. */
  rounds_seconds: z.number().min(0).optional(),
});
export type Checkpoint = Readonly<z.infer<typeof checkpointSchema>>;

export const emptyCheckpoint: Checkpoint = { base_commit: null, answers: [], usage: null };

/** Reads a stored checkpoint; an unreadable one counts as none, since starting over is always safe. */
export function readCheckpoint(json: string): Checkpoint {
  if (json === '') return emptyCheckpoint;
  try {
    return checkpointSchema.parse(JSON.parse(json));
  } catch {
    return emptyCheckpoint;
  }
}

/** An answer of the model as it is stored before use. */
export const storedAnswerSchema = z.object({
  text: z.string(),
  /** The form that was asked for. */
  format: z.enum(answerFormats).default('json'),
  /** `secret`: the text held a secret of the runner, which is masked now; it must not be used. */
  finish_reason: z.enum(['stop', 'length', 'content_filter', 'other', 'secret']),
  /** For the transcript and the account of a later attempt. */
  model: z.string().optional(),
  usage: z.object({ inputTokens: count, cachedTokens: count, outputTokens: count }).optional(),
  /** Null where the model's price is not known. */
  cost_usd: z.number().min(0).nullish(),
  latency_ms: z.number().min(0).optional(),
});
export type StoredAnswer = Readonly<z.infer<typeof storedAnswerSchema>>;
