import { createOpenAiClient } from './openai-client.js';

/** Costs money, so only `npm run test:llm` runs it. */
const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseUrl, LLM_MODEL: model } = process.env;
if ((!apiKey && !baseUrl) || !model) {
  throw new Error('set LLM_MODEL, and OPENAI_API_KEY or OPENAI_BASE_URL or both, to test a real endpoint');
}

const client = createOpenAiClient({ apiKey, baseUrl: baseUrl || undefined, model });
const prompt = 'Answer with the JSON object {"greeting": "hello"} and nothing else.';

describe('a real endpoint', () => {
  it('[AR-3.2] answers with JSON and counts tokens', async () => {
    const answer = await client.chat({
      messages: [{ role: 'user', content: prompt }],
      responseSchema: {
        name: 'greeting',
        schema: { type: 'object', properties: { greeting: { type: 'string' } }, required: ['greeting'] },
      },
    });
    expect(answer.finishReason).toBe('stop');
    expect(answer.text).toContain('"greeting"');
    expect(answer.usage.inputTokens).toBeGreaterThan(0);
    expect(answer.usage.outputTokens).toBeGreaterThan(0);
  }, 180_000);

  it('[AR-16.6] tells a model that does not exist apart', async () => {
    const missing = createOpenAiClient({ apiKey, baseUrl: baseUrl || undefined, model: 'no-such-model' });
    const request = { messages: [{ role: 'user' as const, content: prompt }] };
    await expect(missing.chat(request)).rejects.toMatchObject({ code: 'llm_bad_request' });
  }, 60_000);
});
