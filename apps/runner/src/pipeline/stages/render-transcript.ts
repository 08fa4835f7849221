import type { Exchange } from '../attempt-record.js';

/** JSON Lines: one exchange a line, with what the request added to the conversation, and the answer. */
export function renderTranscript(exchanges: readonly Exchange[]): string {
  return exchanges
    .map((exchange) =>
      JSON.stringify({
        round: exchange.round,
        model: exchange.model,
        latency_ms: exchange.latencyMs,
        usage: exchange.usage && {
          input_tokens: exchange.usage.inputTokens,
          cached_tokens: exchange.usage.cachedTokens,
          output_tokens: exchange.usage.outputTokens,
        },
        replayed: exchange.replayed,
        messages: exchange.asked,
        answer: exchange.answer,
      }),
    )
    .map((line) => `${line}\n`)
    .join('');
}
