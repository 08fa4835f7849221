import type { RunnerError } from '@necrocode/contracts';
import type {
  ChatAnswer,
  ChatOptions,
  ChatRequest,
  FinishReason,
  LlmClient,
  TokenUsage,
} from './llm-client.js';
import { estimateUsage } from './read-completion.js';

export type ScriptedTurn =
  | { readonly text: string; readonly finishReason?: FinishReason; readonly usage?: TokenUsage }
  | { readonly error: RunnerError }
  /** Never answers; only the signal ends it. */
  | { readonly hang: true };

export interface ScriptedClient extends LlmClient {
  /** What was asked so far, oldest first. */
  readonly requests: readonly ChatRequest[];
}

/** Answers with the turns in their order; the last one repeats. Costs nothing and makes no network calls. */
export function createScriptedClient(
  turns: readonly [ScriptedTurn, ...ScriptedTurn[]],
  model = 'scripted',
): ScriptedClient {
  const requests: ChatRequest[] = [];

  async function chat(request: ChatRequest, options: ChatOptions = {}): Promise<ChatAnswer> {
    options.signal?.throwIfAborted();
    await options.permit?.obtain();
    const turn = turns[Math.min(requests.length, turns.length - 1)] ?? turns[0];
    requests.push(request);
    if ('error' in turn) throw turn.error;
    if ('hang' in turn) return aborted(options.signal);
    const { text, finishReason = 'stop', usage = estimateUsage(request, text) } = turn;
    return { text, finishReason, model, usage, costUsd: null, latencyMs: 0, retries: 0 };
  }

  return { model, requests, chat };
}

function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
