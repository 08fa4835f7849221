import { RunnerError } from '@necrocode/contracts';
import { z } from 'zod';
import { estimateTokens } from './estimate-tokens.js';
import type { ChatAnswer, ChatRequest, FinishReason, TokenUsage } from './llm-client.js';

const count = z.int().min(0);
const usageSchema = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: z.object({ cached_tokens: count.nullish() }).nullish(),
});
const completionSchema = z.object({
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
      }),
    )
    .min(1),
  // A text that was paid for is not thrown away because its bill is odd.
  usage: usageSchema.nullish().catch(null),
});

export type Completion = Pick<ChatAnswer, 'text' | 'finishReason' | 'model' | 'usage'>;

const longestRefusal = 300;

/**
 * Reads the body of a successful answer.
 *
 * @returns llm_bad_response when it is no completion, llm_refused when the model declined
 */
export function readCompletion(
  body: unknown,
  request: ChatRequest,
  askedModel: string,
): Completion | RunnerError {
  const parsed = completionSchema.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue?.path.join('.') || 'body';
    const message = `the LLM endpoint answered with something that is no completion (at ${where})`;
    return new RunnerError('llm_bad_response', message, { cause: parsed.error });
  }
  const { choices, model, usage } = parsed.data;
  const [choice] = choices;
  const text = choice?.message.content ?? '';
  const finishReason = finishReasonOf(choice?.finish_reason);
  const refusal = choice?.message.refusal;
  if (refusal) return new RunnerError('llm_refused', `the LLM declined: ${refusal.slice(0, longestRefusal)}`);
  if (finishReason === 'content_filter' && text === '') {
    return new RunnerError('llm_refused', 'the content filter of the LLM endpoint held the answer back');
  }
  return { text, finishReason, model: model || askedModel, usage: usageOf(usage, request, text) };
}

/** What four characters a token give, for endpoints that do not count. */
export function estimateUsage(request: ChatRequest, text: string): TokenUsage {
  const inputTokens = request.messages.reduce((sum, message) => sum + estimateTokens(message.content), 0);
  return { inputTokens, cachedTokens: 0, outputTokens: estimateTokens(text) };
}

function usageOf(
  usage: z.infer<typeof usageSchema> | null | undefined,
  request: ChatRequest,
  text: string,
): TokenUsage {
  if (!usage) return estimateUsage(request, text);
  const cached = usage.prompt_tokens_details?.cached_tokens ?? 0;
  return {
    inputTokens: usage.prompt_tokens,
    cachedTokens: Math.min(cached, usage.prompt_tokens),
    outputTokens: usage.completion_tokens,
  };
}

function finishReasonOf(reason: string | null | undefined): FinishReason {
  if (reason === 'stop' || reason === 'length' || reason === 'content_filter') return reason;
  return 'other';
}
