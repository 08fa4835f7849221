import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions';
import type { ChatRequest } from './llm-client.js';

/** What an endpoint understands beyond plain messages; OpenAI-compatible ones differ. */
export interface Dialect {
  readonly structuredOutput: boolean;
  /** OpenAI's newer models refuse the old name, other servers know only that one. */
  readonly tokenLimit: 'max_completion_tokens' | 'max_tokens';
}

export const fullDialect: Dialect = { structuredOutput: true, tokenLimit: 'max_completion_tokens' };

/**
 * What to do without after the endpoint complained about a request.
 *
 * @returns undefined when the complaint is about something else
 */
export function simplerDialect(
  used: Dialect,
  request: ChatRequest,
  complaint: string,
): Partial<Dialect> | undefined {
  if (used.structuredOutput && request.responseSchema && /response_format|json_schema/i.test(complaint)) {
    return { structuredOutput: false };
  }
  const newName = used.tokenLimit === 'max_completion_tokens' && request.maxOutputTokens !== undefined;
  if (newName && complaint.includes('max_completion_tokens')) return { tokenLimit: 'max_tokens' };
  return undefined;
}

/** The body of the HTTP request. */
export function requestBody(
  model: string,
  { messages, responseSchema, maxOutputTokens }: ChatRequest,
  dialect: Dialect,
): ChatCompletionCreateParamsNonStreaming {
  return {
    model,
    messages: messages.map(({ role, content }) => ({ role, content })),
    ...(maxOutputTokens !== undefined && { [dialect.tokenLimit]: maxOutputTokens }),
    ...(dialect.structuredOutput &&
      responseSchema && {
        // Strict mode refuses schemas with optional properties, and the change set has some.
        response_format: { type: 'json_schema', json_schema: { ...responseSchema, strict: false } },
      }),
  };
}
