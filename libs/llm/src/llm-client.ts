import type { CallPermit } from './call-permit.js';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  /** JSON Schema for structured output, sent where the endpoint supports it. */
  readonly responseSchema?: { readonly name: string; readonly schema: Readonly<Record<string, unknown>> };
  readonly maxOutputTokens?: number;
}

/** Why the model stopped; `length` means that the text is cut off. */
export type FinishReason = 'stop' | 'length' | 'content_filter' | 'other';

/** What a call used. `cachedTokens` is the part of `inputTokens` that the endpoint had cached. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

export interface ChatAnswer {
  readonly text: string;
  readonly finishReason: FinishReason;
  /** As the endpoint names it, which may be more exact than what was asked for. */
  readonly model: string;
  /** As the endpoint counted, else estimated from the texts. */
  readonly usage: TokenUsage;
  /** US dollars; null for a model without a known price. */
  readonly costUsd: number | null;
  /** Of the HTTP call that was answered, without earlier failures and waits. */
  readonly latencyMs: number;
  /** Calls that failed before the one that was answered. */
  readonly retries: number;
}

export interface ChatOptions {
  readonly signal?: AbortSignal;
  /** Obtained before every HTTP call, and asked again right before its first byte. */
  readonly permit?: CallPermit;
  readonly onUnanswered?: () => void;
}

export interface LlmClient {
  /** The model that is asked for. */
  readonly model: string;
  /**
   * Asks once, repeating what is safe to repeat.
   *
   * @param options `onUnanswered` is called for each call that brought no answer of use although the model may
   *   have worked on it, and may be paid for that; also for one that the signal ended
   * @throws whatever the permit throws; RunnerError with an `llm_*` code; llm_bad_request has the reason
   *   `model_not_found` or `context_length_exceeded` where another model may do; with an aborted signal, the
   *   signal's reason
   */
  chat(request: ChatRequest, options?: ChatOptions): Promise<ChatAnswer>;
}
