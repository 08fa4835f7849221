import { counter, durationHistogram } from '@necrocode/telemetry';
import type { TokenUsage } from './llm-client.js';

const duration = durationHistogram('gen_ai.client.operation.duration', 'Time of each call to the LLM');
const tokens = counter('gen_ai.client.token.usage', 'Tokens sent to and received from the LLM', '{token}');
const cost = counter('necrocode.llm.cost', 'Price of the answers of the LLM, where it is known', 'USD');
const retries = counter('necrocode.llm.retries', 'Calls to the LLM that were repeated', '{call}');

export function recordDuration(model: string, elapsedMs: number, errorType: string | undefined): void {
  duration.record(elapsedMs / 1000, { ...attributes(model), ...(errorType && { 'error.type': errorType }) });
}

export function recordAnswer(model: string, usage: TokenUsage, costUsd: number | null): void {
  tokens.add(usage.inputTokens, { ...attributes(model), 'gen_ai.token.type': 'input' });
  tokens.add(usage.outputTokens, { ...attributes(model), 'gen_ai.token.type': 'output' });
  if (costUsd !== null) cost.add(costUsd, attributes(model));
}

export function recordRetry(model: string, reason: string): void {
  retries.add(1, { ...attributes(model), 'error.type': reason });
}

function attributes(model: string): Record<string, string> {
  return {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': model,
  };
}
