import { MetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import type { OpenAiSettings } from './openai-client.js';
import type { ChatAnswer, ChatRequest, LlmClient } from './llm-client.js';
import { completion, refusal, startLoopbackEndpoint, type LoopbackEndpoint } from './loopback-endpoint.js';

type SpanProcessor = NonNullable<NodeSDKConfiguration['spanProcessors']>[number];
type EndedSpan = Parameters<SpanProcessor['onEnd']>[0];

class PulledMetrics extends MetricReader {
  protected onShutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

const spans: EndedSpan[] = [];
const done = () => Promise.resolve();
const metrics = new PulledMetrics();
const sdk = new NodeSDK({
  spanProcessors: [
    { onStart: () => undefined, onEnd: (span) => void spans.push(span), forceFlush: done, shutdown: done },
  ],
  metricReaders: [metrics],
  logRecordProcessors: [],
  autoDetectResources: false,
});

let createOpenAiClient: (settings: OpenAiSettings) => LlmClient;
let withSpan: typeof import('@necrocode/telemetry').withSpan;
let endpoint: LoopbackEndpoint;

beforeAll(async () => {
  sdk.start();
  // Meters are made when telemetry is loaded, so the SDK has to be there before.
  ({ withSpan } = await import('@necrocode/telemetry'));
  ({ createOpenAiClient } = await import('./openai-client.js'));
});
beforeEach(() => void spans.splice(0));
afterEach(() => endpoint.close());
afterAll(() => sdk.shutdown());

async function ask(
  replies: Parameters<typeof startLoopbackEndpoint>[0],
  extra: Partial<ChatRequest> = {},
): Promise<ChatAnswer> {
  endpoint = await startLoopbackEndpoint(replies);
  const client = createOpenAiClient({ baseUrl: endpoint.baseUrl, model: 'gpt-4o', firstRetryDelayMs: 1 });
  return withSpan('propose_change', {}, () =>
    client.chat({ messages: [{ role: 'user', content: 'Hi' }], ...extra }),
  );
}

describe('what a call tells', () => {
  it('[AR-16.4] makes a span per HTTP call by the GenAI conventions', async () => {
    const usage = { prompt_tokens: 7, completion_tokens: 3 };
    await ask([refusal(500, 'oops'), completion('yes', { usage, model: 'gpt-4o-2024-08-06' })]);
    const [failed, answered, caller] = spans;
    expect([failed?.name, answered?.name, caller?.name]).toEqual([
      'chat gpt-4o',
      'chat gpt-4o',
      'propose_change',
    ]);
    expect(failed?.attributes['error.type']).toBe('llm_unavailable');
    expect(answered?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4o',
      'gen_ai.response.model': 'gpt-4o-2024-08-06',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 7,
      'gen_ai.usage.output_tokens': 3,
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(endpoint.baseUrl).port),
    });
    expect(answered?.parentSpanContext?.spanId).toBe(caller?.spanContext().spanId);
  });

  it('[AR-16.5] tells each wait as an event of the caller, as long as the server asked', async () => {
    await ask([refusal(429, 'slow down', { 'retry-after-ms': '40' }), completion('yes')]);
    const events = spans.find(({ name }) => name === 'propose_change')?.events ?? [];
    expect(events.map(({ name }) => name)).toEqual(['retry']);
    expect(events[0]?.attributes?.['retry.reason']).toBe('llm_rate_limited');
    expect(events[0]?.attributes?.['retry.delay_ms']).toBeGreaterThanOrEqual(40);
  });

  it('[AR-16.5] ends a wait that has begun with the signal', async () => {
    endpoint = await startLoopbackEndpoint([refusal(429, 'later', { 'retry-after': '50' })]);
    const client = createOpenAiClient({ baseUrl: endpoint.baseUrl, model: 'gpt-4o' });
    const controller = new AbortController();
    const reason = new Error('deadline');
    const answer = withSpan('propose_change', {}, (span) => {
      // The event comes right before the wait, so the next turn of the loop is in the middle of it.
      span.addEvent = () => {
        setImmediate(() => controller.abort(reason));
        return span;
      };
      return client.chat({ messages: [] }, { signal: controller.signal });
    });
    await expect(answer).rejects.toBe(reason);
    expect(endpoint.calls).toHaveLength(1);
  });

  it('[AR-16.4] counts tokens, time, cost and repetitions', async () => {
    const usage = { prompt_tokens: 5, completion_tokens: 1 };
    const { costUsd } = await ask([refusal(500, 'oops'), completion('yes', { usage })]);
    expect(costUsd).toBeGreaterThan(0);
    const { resourceMetrics } = await metrics.collect();
    const names = resourceMetrics.scopeMetrics.flatMap((scope) =>
      scope.metrics.map((m) => m.descriptor.name),
    );
    expect(names).toEqual(
      expect.arrayContaining([
        'gen_ai.client.token.usage',
        'gen_ai.client.operation.duration',
        'necrocode.llm.cost',
        'necrocode.llm.retries',
      ]),
    );
  });
});
