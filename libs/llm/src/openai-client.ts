import { setTimeout as sleep } from 'node:timers/promises';
import { RunnerError } from '@necrocode/contracts';
import { addSpanEvent, createMask } from '@necrocode/telemetry';
import { OpenAI } from 'openai';
import { recordRetry } from './call-metrics.js';
import { callOnce, type Endpoint } from './call-once.js';
import { cappedFetch } from './capped-fetch.js';
import { fullDialect, simplerDialect } from './dialect.js';
import type { ChatAnswer, ChatOptions, ChatRequest, LlmClient } from './llm-client.js';
import type { PriceTable } from './prices.js';
import { createRetryWaits } from './retry-wait.js';
import type { CallFailure } from './translate-failure.js';

export interface OpenAiSettings {
  /** Absent for endpoints that ask for none. */
  readonly apiKey?: string;
  /** Up to and including `/v1`; OpenAI's own by default. */
  readonly baseUrl?: string;
  readonly model: string;
  /** For each HTTP call, body included. Node's fetch itself gives up on headers after 300 seconds. */
  readonly callTimeoutMs?: number;
  /** How long after its first failure an endpoint is asked again; the time of calls that timed out not counted. */
  readonly patienceMs?: number;
  /** Calls after the first one, if they are to be fewer than the patience allows. */
  readonly maxRetries?: number | undefined;
  /** How often a call that timed out is made again. */
  readonly timeoutRetries?: number;
  /** A server that asks for a longer wait is not waited for. */
  readonly maxRetryWaitMs?: number;
  /** Upper end of the first wait, which then doubles up to 10 seconds. */
  readonly firstRetryDelayMs?: number;
  /** Prices that add to or replace the built-in ones. */
  readonly prices?: PriceTable;
}

/** At most, between two calls, unless the server asks for more. */
const maxDelayMs = 10_000;
const defaultBaseUrl = 'https://api.openai.com/v1';

/**
 * A client of one model at an OpenAI-compatible endpoint (`POST {baseUrl}/chat/completions`).
 *
 * Repeats after 408, 409, 429, 5xx and broken connections until `patienceMs` are over, with exponential
 * backoff, jitter and respect for what the server asks: a wait that it asked for is kept also when it ends
 * later. Repeats after a time-out as often as told. Learns which optional parameters the endpoint refuses.
 */
export function createOpenAiClient(settings: OpenAiSettings): LlmClient {
  const { model, patienceMs = 120_000, timeoutRetries = 1 } = settings;
  const { maxRetries = Infinity, maxRetryWaitMs = 60_000, firstRetryDelayMs = 500 } = settings;
  const endpoint = endpointOf(settings);
  let dialect = fullDialect;

  async function chat(request: ChatRequest, options: ChatOptions = {}): Promise<ChatAnswer> {
    const { signal } = options;
    const waits = { firstDelayMs: firstRetryDelayMs, maxDelayMs, maxWaitMs: maxRetryWaitMs };
    const nextWait = createRetryWaits(waits);
    let giveUpAt: number | undefined;
    let retries = 0;
    let timeouts = 0;
    for (;;) {
      signal?.throwIfAborted();
      const used = dialect;
      await options.permit?.obtain();
      const started = performance.now();
      const outcome = await callOnce(endpoint, request, used, options);
      if (outcome.kind === 'answered') return { ...outcome.answer, retries };
      if (outcome.kind === 'not_sent') continue;
      const { failure } = outcome;

      const simpler = failure.complaint && simplerDialect(used, request, failure.complaint);
      if (simpler) {
        dialect = { ...dialect, ...simpler };
        continue;
      }
      if (failure.retry === 'never') throw failure.error;
      const now = performance.now();
      giveUpAt ??= now + patienceMs;
      if (failure.retry === 'after_timeout') {
        timeouts += 1;
        giveUpAt += now - started;
      }
      const leftMs = giveUpAt - now;
      if (leftMs <= 0 || retries >= maxRetries || timeouts > timeoutRetries)
        throw gaveUp(failure, `gave up after ${retries} retries`);
      const nextMs = nextWait(failure.askedWaitMs);
      if (nextMs === undefined) throw gaveUp(failure, waitTooLong(failure, maxRetryWaitMs));
      // The last call is made when the patience ends.
      const waitMs = Math.max(failure.askedWaitMs ?? 0, Math.min(nextMs, leftMs));
      retries += 1;
      addSpanEvent('retry', { 'retry.delay_ms': waitMs, 'retry.reason': failure.error.code });
      recordRetry(model, failure.error.code);
      await pause(waitMs, signal);
    }
  }

  return { model, chat };
}

function endpointOf({
  apiKey,
  baseUrl = defaultBaseUrl,
  model,
  callTimeoutMs = 120_000,
  prices = {},
}: OpenAiSettings): Endpoint {
  const sdk = new OpenAI({
    // The SDK insists on a key; endpoints that need none ignore it.
    apiKey: apiKey || 'none',
    baseURL: baseUrl,
    timeout: callTimeoutMs,
    maxRetries: 0,
    fetch: cappedFetch,
    // What is left out here the SDK would take from the environment, and its log shows requests.
    adminAPIKey: null,
    organization: null,
    project: null,
    logLevel: 'off',
  });
  return { sdk, baseUrl, model, callTimeoutMs, prices, mask: createMask([apiKey]) };
}

function gaveUp({ error }: CallFailure, why: string): RunnerError {
  return new RunnerError(error.code, `${error.message}; ${why}`, {
    cause: error.cause,
    retryable: error.retryable,
  });
}

function waitTooLong({ askedWaitMs = 0 }: CallFailure, limitMs: number): string {
  return `asked for a wait of ${Math.ceil(askedWaitMs / 1000)} s, the limit is ${Math.floor(limitMs / 1000)} s`;
}

/** cockatiel's own waits do not end with a signal, so only its backoff is used. */
async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
