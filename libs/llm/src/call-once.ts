import { RunnerError } from '@necrocode/contracts';
import { failSpan, SpanKind, withSpan, type Attributes, type Mask, type Span } from '@necrocode/telemetry';
import type { OpenAI } from 'openai';
import { watchCall } from './call-permit.js';
import { recordAnswer, recordDuration } from './call-metrics.js';
import { requestBody, type Dialect } from './dialect.js';
import type { ChatAnswer, ChatOptions, ChatRequest } from './llm-client.js';
import { costOf, type PriceTable } from './prices.js';
import { readCompletion, type Completion } from './read-completion.js';
import { never, timedOut, translateFailure, type CallFailure } from './translate-failure.js';

/** Where calls go, and within which limits. */
export interface Endpoint {
  readonly sdk: OpenAI;
  readonly baseUrl: string;
  readonly model: string;
  readonly callTimeoutMs: number;
  readonly prices: PriceTable;
  readonly mask: Mask;
}

export type CallOutcome =
  | { readonly kind: 'answered'; readonly answer: Omit<ChatAnswer, 'retries'> }
  | { readonly kind: 'failed'; readonly failure: CallFailure }
  /** Its permit had lapsed, and nothing has left this process. */
  | { readonly kind: 'not_sent' };

/**
 * One HTTP call in a span of its own, named and attributed by OpenTelemetry's GenAI conventions.
 *
 * @throws the reason of the signal, and nothing else
 */
export function callOnce(
  endpoint: Endpoint,
  request: ChatRequest,
  dialect: Dialect,
  options: ChatOptions,
): Promise<CallOutcome> {
  const spanOptions = { kind: SpanKind.CLIENT, attributes: requestAttributes(endpoint, request, dialect) };
  return withSpan(`chat ${endpoint.model}`, spanOptions, async (span) => {
    const started = performance.now();
    let errorType: string | undefined = 'aborted';
    try {
      const result = await post(endpoint, request, dialect, options);
      if (result === 'not_sent') return { kind: 'not_sent' };
      errorType = 'error' in result ? result.error.code : undefined;
      if ('error' in result) {
        failSpan(span, result.error);
        if (result.maybePaid) options.onUnanswered?.();
        return { kind: 'failed', failure: result };
      }
      return { kind: 'answered', answer: account(endpoint, result, performance.now() - started, span) };
    } finally {
      recordDuration(endpoint.model, performance.now() - started, errorType);
    }
  });
}

function requestAttributes({ model, baseUrl }: Endpoint, request: ChatRequest, dialect: Dialect): Attributes {
  const url = new URL(baseUrl);
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': model,
    'gen_ai.request.max_tokens': request.maxOutputTokens,
    'gen_ai.output.type': request.responseSchema && dialect.structuredOutput ? 'json' : 'text',
    'server.address': url.hostname,
    'server.port': Number(url.port) || (url.protocol === 'http:' ? 80 : 443),
  };
}

/** The limit covers everything from connecting to the last byte of the body. */
async function post(
  { sdk, model, callTimeoutMs, mask }: Endpoint,
  request: ChatRequest,
  dialect: Dialect,
  { signal, onUnanswered, permit }: ChatOptions,
): Promise<Completion | CallFailure | 'not_sent'> {
  const limit = new AbortController();
  const stop = () => limit.abort();
  let lapsed = false;
  using watched =
    permit &&
    watchCall(permit, () => {
      lapsed = true;
      stop();
    });
  const timer = setTimeout(stop, callTimeoutMs);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const body: unknown = await sdk.chat.completions.create(requestBody(model, request, dialect), {
      signal: limit.signal,
      ...(watched && { headers: watched.headers }),
    });
    const completion = readCompletion(body, request, model);
    // Whatever it says, it was answered.
    return completion instanceof RunnerError ? { ...never(completion), maybePaid: true } : completion;
  } catch (error) {
    if (lapsed) return 'not_sent';
    if (signal?.aborted) onUnanswered?.();
    signal?.throwIfAborted();
    return limit.signal.aborted ? timedOut(error) : translateFailure(error, mask);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

function account(
  { model, prices }: Endpoint,
  completion: Completion,
  latencyMs: number,
  span: Span,
): Omit<ChatAnswer, 'retries'> {
  const { usage } = completion;
  // The asked name first, since settings give prices to the names that users know.
  const costUsd = costOf(usage, [model, completion.model], prices);
  span.setAttributes({
    'gen_ai.response.model': completion.model,
    'gen_ai.response.finish_reasons': [completion.finishReason],
    'gen_ai.usage.input_tokens': usage.inputTokens,
    'gen_ai.usage.output_tokens': usage.outputTokens,
    'gen_ai.usage.cache_read.input_tokens': usage.cachedTokens,
  });
  recordAnswer(model, usage, costUsd);
  return { ...completion, costUsd, latencyMs };
}
