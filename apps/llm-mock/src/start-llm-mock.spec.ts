import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createOpenAiClient, type OpenAiSettings } from '@necrocode/llm';
import type { Script } from './script.js';
import { startLlmMock, type LlmMock, type LlmMockOptions } from './start-llm-mock.js';

const answer = { code_changes: [], explanation: 'nothing to do' };
const task = 'chat-app/1.1';

let mock: LlmMock;
const dirs: string[] = [];
afterEach(async () => {
  await mock.close();
  await Promise.all(dirs.splice(0).map((dir) => rm(dir, { recursive: true })));
});

async function start(script: Script, options: LlmMockOptions = {}): Promise<void> {
  mock = await startLlmMock({ script, ...options });
}

async function ask(key = task, settings: Partial<OpenAiSettings> = {}) {
  const baseUrl = `${mock.url}/v1`;
  const client = createOpenAiClient({ baseUrl, model: 'scripted', firstRetryDelayMs: 1, ...settings });
  return client.chat({ messages: [{ role: 'user', content: `# Work\nTask: ${key}\nDo it.` }] });
}

async function post(path: string, body: unknown): Promise<Response> {
  return fetch(mock.url + path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

const chatBody = { model: 'm', messages: [{ role: 'user', content: `Task: ${task}` }] };

describe('a scripted answer', () => {
  it('[AR-3.2] plays the entries of each task in order, the last one again and again', async () => {
    await start({
      tasks: { [task]: [{ text: 'one' }, { text: 'two' }] },
      default: [{ text: 'first' }, { text: 'later' }],
    });
    const texts: string[] = [];
    for (const key of [task, 'x/1', task, 'x/2', task, 'x/1']) texts.push((await ask(key)).text);
    expect(texts).toEqual(['one', 'first', 'two', 'first', 'two', 'later']);
  });

  it('[AR-16.4] sends an object as its JSON text, with the usage of the script', async () => {
    await start({ default: [{ answer, usage: { input_tokens: 10, cached_tokens: 4, output_tokens: 5 } }] });
    const given = await ask();
    expect(JSON.parse(given.text)).toEqual(answer);
    expect(given.usage).toEqual({ inputTokens: 10, cachedTokens: 4, outputTokens: 5 });
  });

  it('[AR-16.4] estimates usage that the script does not give', async () => {
    await start({ default: [{ text: 'twelve chars' }] });
    expect((await ask()).usage).toEqual({ inputTokens: 8, cachedTokens: 0, outputTokens: 3 });
  });

  it('[AR-3.7] cuts an answer where the script says so', async () => {
    await start({ default: [{ finish_reason: 'length', text: '{"code_changes": [' }] });
    expect(await ask()).toMatchObject({ finishReason: 'length', text: '{"code_changes": [' });
  });

  it('[AR-3.2] answers under /chat/completions without /v1 too, after its latency', async () => {
    await start({ default: [{ text: 'yes', delay_ms: 1 }] }, { latencyMs: 1 });
    expect(await (await post('/chat/completions', chatBody)).json()).toMatchObject({
      object: 'chat.completion',
      model: 'm',
      choices: [{ finish_reason: 'stop', message: { content: 'yes' } }],
    });
  });

  it('[AR-16.6] has a clear answer for a task without a script', async () => {
    await start({});
    const message = expect.stringContaining(`the script has nothing for task ${task}`) as string;
    await expect(ask()).rejects.toMatchObject({ code: 'llm_bad_request', message });
  });
});

describe('a scripted fault', () => {
  it('[AR-16.5] answers 429 with Retry-After, then as the script goes on', async () => {
    await start({ default: [{ fault: { status: 429, retry_after: 0.05 } }, { text: 'at last' }] });
    expect(await ask()).toMatchObject({ text: 'at last', retries: 1 });
    mock.setScript({ default: [{ fault: { status: 429, retry_after: 2 } }] });
    const refused = await post('/v1/chat/completions', chatBody);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2']);
  });

  it('[AR-16.6] answers 500', async () => {
    await start({ default: [{ fault: { status: 500 } }] });
    await expect(ask(task, { patienceMs: 1 })).rejects.toMatchObject({ code: 'llm_unavailable' });
    expect(mock.calls().map(({ status }) => status)).toEqual(expect.arrayContaining([500, 500]));
  });

  it('[AR-16.5] sends the error code of the script', async () => {
    await start({ default: [{ fault: { status: 429, code: 'insufficient_quota' } }] });
    await expect(ask()).rejects.toMatchObject({ code: 'llm_rate_limited', retryable: false });
  });

  it('[AR-16.3] accepts and never answers', async () => {
    await start({ default: [{ fault: 'hang' }, { text: 'at last' }] });
    await expect(ask(task, { callTimeoutMs: 100, timeoutRetries: 0 })).rejects.toMatchObject({
      code: 'llm_timeout',
    });
    expect(await ask()).toMatchObject({ text: 'at last' });
    expect(mock.calls().map(({ status }) => status)).toEqual([null, 200]);
  });

  it('[AR-16.6] breaks off in the middle of the body', async () => {
    await start({ default: [{ fault: 'cut_off' }] });
    const response = await post('/v1/chat/completions', chatBody);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('terminated');
    await expect(ask(task, { patienceMs: 0 })).rejects.toMatchObject({ code: 'llm_unavailable' });
  });

  it('[AR-16.1] refuses other keys than the one it was given', async () => {
    await start({ default: [{ text: 'yes' }] }, { apiKey: 'right' });
    await expect(ask(task, { apiKey: 'wrong' })).rejects.toMatchObject({ code: 'llm_auth_failed' });
    expect((await ask(task, { apiKey: 'right' })).text).toBe('yes');
  });
});

describe('streaming', () => {
  it('[AR-3.2] sends the text in chunks, then usage and [DONE]', async () => {
    const text = 'long text 🙂 '.repeat(20);
    await start({ default: [{ text }] });
    const streamed = { ...chatBody, stream: true, stream_options: { include_usage: true } };
    const response = await post('/v1/chat/completions', streamed);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const events = (await response.text()).split('\n\n').filter((event) => event !== '');
    expect(events.pop()).toBe('data: [DONE]');
    const chunks = events.map((event) => JSON.parse(event.replace('data: ', '')) as Chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(text);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 65 } });
  });
});

interface Chunk {
  choices: { delta: { content?: string }; finish_reason: string | null }[];
}

describe('what tests may ask and set', () => {
  it('[AR-3.4] tells the calls of a task with their requests, and forgets them when told', async () => {
    await start({ default: [{ text: 'one' }, { text: 'two' }] });
    await ask();
    await ask('other/2');
    const calls = async () => (await fetch(`${mock.url}/__calls?task=${task}`)).json();
    expect(await calls()).toEqual([
      {
        task,
        at: expect.any(String) as string,
        status: 200,
        request: expect.objectContaining({ model: 'scripted' }) as unknown,
      },
    ]);
    await fetch(`${mock.url}/__calls`, { method: 'DELETE' });
    expect(await calls()).toEqual([]);
    expect((await ask()).text).toBe('one');
  });

  it('[AR-3.2] takes a new script over HTTP, as YAML or JSON, and refuses a bad one', async () => {
    await start({});
    expect((await post('/__script', 'default:\n  - text: from yaml\n')).status).toBe(200);
    expect((await ask()).text).toBe('from yaml');
    expect((await post('/__script', { default: [{ text: 'from json' }] })).status).toBe(200);
    const refused = await post('/__script', { default: [] });
    expect(refused.status).toBe(400);
    expect((await ask()).text).toBe('from json');
  });

  it('[AR-3.2] reads its file again when it changes, and keeps the script when it is broken', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'llm-mock-'));
    dirs.push(dir);
    const scriptFile = join(dir, 'script.yaml');
    await writeFile(scriptFile, 'default: [{ text: before }]');
    const problems: unknown[] = [];
    await start({}, { scriptFile, onBadScript: (error) => problems.push(error) });
    expect((await ask()).text).toBe('before');
    await writeFile(scriptFile, 'default: [{ text: after it }]');
    expect((await ask()).text).toBe('after it');
    await writeFile(scriptFile, 'default: [{ text: ');
    expect((await ask()).text).toBe('after it');
    expect(problems).toHaveLength(1);
  });

  it('[AR-3.2] lists a model and its health', async () => {
    await start({});
    expect(await (await fetch(`${mock.url}/v1/models`)).json()).toMatchObject({ data: [{ id: 'scripted' }] });
    expect(await (await fetch(`${mock.url}/health`)).json()).toEqual({ status: 'ok' });
    expect((await fetch(`${mock.url}/nothing`)).status).toBe(404);
    expect((await post('/v1/chat/completions', { model: 'm' })).status).toBe(400);
  });
});
