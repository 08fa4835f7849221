import { jest } from '@jest/globals';
import { RunnerError } from '@necrocode/contracts';
import { describeLlmClient, type ContractTurn } from './llm-client.contract.js';
import type { ChatRequest } from './llm-client.js';
import {
  completion,
  refusal,
  startLoopbackEndpoint,
  type LoopbackEndpoint,
  type Reply,
} from './loopback-endpoint.js';
import { createOpenAiClient, type OpenAiSettings } from './openai-client.js';

const apiKey = 'sk-very-secret-key';
const request: ChatRequest = { messages: [{ role: 'user', content: 'Say something' }] };
const schema = { name: 'change_set', schema: { type: 'object' } };

const open: LoopbackEndpoint[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((endpoint) => endpoint.close()));
});

async function arrange(replies: readonly Reply[], settings: Partial<OpenAiSettings> = {}) {
  const endpoint = await startLoopbackEndpoint(replies);
  open.push(endpoint);
  const { baseUrl } = endpoint;
  const client = createOpenAiClient({
    apiKey,
    baseUrl,
    model: 'test-model',
    firstRetryDelayMs: 1,
    ...settings,
  });
  return { client, endpoint };
}

describeLlmClient('OpenAI', async (turns) => {
  const { client, endpoint } = await arrange(turns.map(replyFor));
  return { client, received: (n) => endpoint.received(n), calls: () => endpoint.calls.length };
});

describe('what is sent', () => {
  it('[AR-3.2] [AR-16.2] posts model and messages to /chat/completions, with the key', async () => {
    const { client, endpoint } = await arrange([completion('hello')], { model: 'other-model' });
    await client.chat({ ...request, maxOutputTokens: 50 });
    expect(endpoint.calls).toEqual([
      {
        path: '/v1/chat/completions',
        authorization: `Bearer ${apiKey}`,
        body: { model: 'other-model', messages: request.messages, max_completion_tokens: 50 },
      },
    ]);
  });

  it('[AR-3.2] sends the schema as structured output', async () => {
    const { client, endpoint } = await arrange([completion('{}')]);
    await client.chat({ ...request, responseSchema: schema });
    expect(endpoint.calls[0]?.body.response_format).toEqual({
      type: 'json_schema',
      json_schema: { ...schema, strict: false },
    });
  });

  it('[AR-3.2] asks again without what the endpoint refuses, and remembers it', async () => {
    const { client, endpoint } = await arrange([
      refusal(400, "'response_format' of type 'json_schema' is not supported with this model"),
      { status: 422, body: { detail: [{ loc: ['body', 'max_completion_tokens'], msg: 'Extra inputs' }] } },
      completion('{}'),
    ]);
    const full = { ...request, responseSchema: schema, maxOutputTokens: 9 };
    expect(await client.chat(full)).toMatchObject({ text: '{}', retries: 0 });
    await client.chat(full);
    const sent = endpoint.calls.map(({ body }) => Object.keys(body).slice(2));
    expect(sent).toEqual([
      ['max_completion_tokens', 'response_format'],
      ['max_completion_tokens'],
      ['max_tokens'],
      ['max_tokens'],
    ]);
  });
});

describe('repeating', () => {
  it.each([
    ['429', refusal(429, 'slow down')],
    ['408', refusal(408, 'too slow')],
    ['409', refusal(409, 'conflict')],
    ['500', refusal(500, 'oops')],
    ['503', { status: 503, body: '<html>busy</html>' }],
    ['a reset connection', 'reset'],
    ['a body that breaks off', 'cut_off'],
  ] as const)('[AR-16.5] repeats after %s and tells how often', async (_what, reply) => {
    const { client } = await arrange([reply, reply, completion('at last')]);
    expect(await client.chat(request)).toMatchObject({ text: 'at last', retries: 2 });
  });

  it.each([
    ['llm_rate_limited', refusal(429, 'slow down'), true],
    ['llm_unavailable', refusal(502, 'bad gateway'), true],
    ['llm_unavailable', 'reset', true],
    ['llm_unavailable', 'cut_off', true],
    ['llm_timeout', refusal(408, 'too slow'), true],
  ] as const)('[AR-16.6] says %s when it does not get better (%#)', async (code, reply, retryable) => {
    const { client, endpoint } = await arrange([reply], { patienceMs: 100 });
    const message = expect.stringMatching(/gave up after [1-9]\d* retries/) as string;
    await expect(client.chat(request)).rejects.toMatchObject({ code, retryable, message });
    // The waits double, so there is no hot loop however short they begin.
    expect(endpoint.calls.length).toBeLessThan(12);
  });

  it('[AR-16.5] outlasts more failures than any count of retries, as long as its patience', async () => {
    const away = Array.from({ length: 9 }, () => refusal(503, 'away'));
    const { client } = await arrange([...away, completion('back')], { patienceMs: 60_000 });
    expect(await client.chat(request)).toMatchObject({ text: 'back', retries: 9 });
  });

  it('[AR-16.6] says llm_unavailable when nobody listens', async () => {
    const { client, endpoint } = await arrange([completion('never sent')], { patienceMs: 1 });
    await endpoint.close();
    const onUnanswered = jest.fn();
    await expect(client.chat(request, { onUnanswered })).rejects.toMatchObject({ code: 'llm_unavailable' });
    expect(onUnanswered).not.toHaveBeenCalled();
  });

  it.each(['hang', 'stall'] as const)(
    '[AR-16.3] ends a call that takes too long (%s), and repeats it as often as told',
    async (reply) => {
      const { client, endpoint } = await arrange([reply], { callTimeoutMs: 60, timeoutRetries: 2 });
      const onUnanswered = jest.fn();
      const answer = client.chat(request, { onUnanswered });
      await expect(answer).rejects.toMatchObject({ code: 'llm_timeout', retryable: true });
      expect(endpoint.calls).toHaveLength(3);
      expect(onUnanswered).toHaveBeenCalledTimes(3);
    },
  );

  it.each(['hang', 'stall'] as const)(
    '[AR-16.3] outlasts a request that is swallowed (%s)',
    async (reply) => {
      // Shorter than the call's own time-out, which does not use it up.
      const { client } = await arrange([reply, completion('at last')], { callTimeoutMs: 60, patienceMs: 50 });
      expect(await client.chat(request)).toMatchObject({ text: 'at last', retries: 1 });
    },
  );

  it('[AR-16.4] tells of calls that may be paid for although they brought nothing', async () => {
    const replies = ['cut_off', 'reset', refusal(503, 'away'), completion('at last')] as const;
    const { client } = await arrange(replies);
    const onUnanswered = jest.fn();
    await client.chat(request, { onUnanswered });
    expect(onUnanswered).toHaveBeenCalledTimes(2);
    const { client: another, endpoint } = await arrange(['hang']);
    const controller = new AbortController();
    const ended = expect(
      another.chat(request, { onUnanswered, signal: controller.signal }),
    ).rejects.toThrow();
    await endpoint.received(1);
    controller.abort();
    await ended;
    expect(onUnanswered).toHaveBeenCalledTimes(3);
  });

  it('[AR-14.3] makes no call, repeated or not, that it is told not to make', async () => {
    const { client, endpoint } = await arrange([refusal(503, 'away'), completion('at last')]);
    const lost = new RunnerError('lease_lost', 'lost');
    const obtain = jest.fn<() => Promise<void>>().mockResolvedValueOnce().mockRejectedValue(lost);
    await expect(client.chat(request, { permit: { obtain, holds: () => true } })).rejects.toBe(lost);
    expect(endpoint.calls).toHaveLength(1);
  });

  it('[AR-14.3] sends nothing of a call whose permit lapses while it connects', async () => {
    const { client, endpoint } = await arrange([completion('at last')]);
    const obtain = jest.fn<() => Promise<void>>().mockResolvedValue();
    const holds = jest.fn<() => boolean>().mockReturnValueOnce(false).mockReturnValue(true);
    const onUnanswered = jest.fn();
    const answer = await client.chat(request, { permit: { obtain, holds }, onUnanswered });
    expect(answer).toMatchObject({ text: 'at last', retries: 0 });
    expect(holds).toHaveBeenCalledTimes(2);
    expect(obtain).toHaveBeenCalledTimes(2);
    expect(endpoint.calls).toHaveLength(1);
    expect(onUnanswered).not.toHaveBeenCalled();
  });

  it('[AR-16.5] does not wait at all for a server that asks for too long a wait', async () => {
    const { client, endpoint } = await arrange([refusal(429, 'later', { 'retry-after': '61' })]);
    await expect(client.chat(request)).rejects.toMatchObject({
      code: 'llm_rate_limited',
      message: expect.stringContaining('wait of 61 s') as string,
    });
    expect(endpoint.calls).toHaveLength(1);
  });

  it('[AR-16.5] ends the wait before a repetition with the signal', async () => {
    const { client, endpoint } = await arrange([refusal(429, 'later', { 'retry-after': '50' })]);
    const reason = new Error('deadline');
    const controller = new AbortController();
    const ended = expect(client.chat(request, { signal: controller.signal })).rejects.toBe(reason);
    await endpoint.received(1);
    controller.abort(reason);
    await ended;
    expect(endpoint.calls).toHaveLength(1);
  });
});

describe('what is final', () => {
  it.each([
    ['llm_auth_failed', refusal(401, `Incorrect API key provided: ${apiKey}`)],
    ['llm_auth_failed', refusal(403, 'forbidden')],
    ['llm_rate_limited', refusal(429, 'no money', {}, 'insufficient_quota')],
    ['llm_bad_request', refusal(404, 'The model `x` does not exist')],
    ['llm_bad_request', refusal(400, 'context too long')],
    ['llm_refused', completion(null, { refusal: 'I will not' })],
    ['llm_refused', completion('', { finishReason: 'content_filter' })],
    ['llm_bad_response', { status: 200, body: 'not json' }],
    ['llm_bad_response', { status: 200, body: '' }],
    ['llm_bad_response', { status: 200, body: '<html>', headers: { 'content-type': 'text/html' } }],
    ['llm_bad_response', { status: 200, body: { choices: [] } }],
    ['llm_bad_response', { status: 200, body: { error: { message: 'upstream' } } }],
  ] as const)('[AR-16.6] says %s, without a repetition (%#)', async (code, reply) => {
    const { client, endpoint } = await arrange([reply]);
    await expect(client.chat(request)).rejects.toMatchObject({ name: 'RunnerError', code, retryable: false });
    expect(endpoint.calls).toHaveLength(1);
  });

  it.each([
    ['model_not_found', refusal(404, 'The model `x` does not exist', {}, 'model_not_found')],
    ['model_not_found', refusal(404, "model 'x' not found, try pulling it first")],
    ['model_not_found', refusal(400, 'The model `x` has been decommissioned', {}, 'model_decommissioned')],
    ['model_not_found', { status: 400, body: { error: { message: 'no such thing', param: 'model' } } }],
    ['context_length_exceeded', refusal(400, 'too much', {}, 'context_length_exceeded')],
    ['context_length_exceeded', refusal(400, "This model's maximum context length is 8192 tokens.")],
    ['context_length_exceeded', refusal(400, 'prompt is too long: 210000 tokens > 200000 maximum')],
    ['context_length_exceeded', refusal(413, 'Payload Too Large')],
    [undefined, refusal(400, "Invalid value for 'temperature'", {}, 'invalid_value')],
    [undefined, refusal(422, 'Extra inputs are not permitted')],
  ] as const)(
    '[AR-16.6] tells by its reason (%s) whether another model may do (%#)',
    async (reason, reply) => {
      const { client } = await arrange([reply]);
      const error = await client.chat(request).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'llm_bad_request', reason, retryable: false });
    },
  );

  it('[AR-16.6] tells status and the message of the server, cut short and without the key', async () => {
    const { client } = await arrange([refusal(400, `bad ${apiKey} ${'x'.repeat(1000)}`)]);
    const error = await client.chat(request).catch((thrown: unknown) => thrown as Error);
    const message = error instanceof Error ? error.message : '';
    expect(message).toMatch(/answered 400: bad \[masked\] x+…$/);
    expect(message.length).toBeLessThan(400);
  });

  it('[AR-16.6] reads no answer without end', async () => {
    const { client } = await arrange([{ status: 200, body: { choices: 'x'.repeat(33 * 1024 * 1024) } }]);
    await expect(client.chat(request)).rejects.toMatchObject({
      code: 'llm_bad_response',
      message: expect.stringContaining('answered too much') as string,
    });
  });

  it('[AR-16.1] shows nothing of what the endpoint says about a refused key', async () => {
    const { client } = await arrange([refusal(401, 'Incorrect API key provided: sk-ve****key')]);
    await expect(client.chat(request)).rejects.toThrow(/^the LLM endpoint refused the key \(401\)$/);
  });
});

describe('what is counted', () => {
  it('[AR-16.4] reports the tokens of the endpoint and their price', async () => {
    const usage = {
      prompt_tokens: 1000,
      completion_tokens: 100,
      prompt_tokens_details: { cached_tokens: 400 },
    };
    const { client } = await arrange([completion('x', { usage, model: 'gpt-4o-2024-08-06' })], {
      model: 'gpt-4o',
    });
    const answer = await client.chat(request);
    expect(answer.model).toBe('gpt-4o-2024-08-06');
    expect(answer.usage).toEqual({ inputTokens: 1000, cachedTokens: 400, outputTokens: 100 });
    expect(answer.costUsd).toBeCloseTo((600 * 2.5 + 400 * 1.25 + 100 * 10) / 1e6, 12);
  });

  it('[AR-16.4] keeps an answer whose bill makes no sense, and estimates', async () => {
    const { client } = await arrange([completion('four', { usage: { prompt_tokens: 'many' } })]);
    const answer = await client.chat(request);
    expect(answer.usage).toEqual({ inputTokens: 4, cachedTokens: 0, outputTokens: 1 });
    expect(answer.costUsd).toBeNull();
  });
});

function replyFor(turn: ContractTurn): Reply {
  if (turn.kind === 'hang') return 'hang';
  if (turn.kind === 'refuse') return completion(null, { refusal: 'no' });
  const { text, finishReason, usage } = turn;
  const counted = usage && {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
  };
  return completion(text, { finishReason, usage: counted });
}
