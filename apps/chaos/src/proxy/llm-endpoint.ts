import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { answeredContent, answerFile } from '../task-document.js';
import type { Gate } from '../gate.js';
import type { Ledger } from '../ledger.js';
import { serveHttp } from './serve-http.js';

export interface LlmEndpoint {
  /** For one runner: by it the endpoint knows who asks. */
  baseUrl(runner: number): string;
  close(): Promise<void>;
}

/** Longer than two renewals of any lease of the suite. */
const renewalPatienceMs = 6_000;

/** A model that always knows the answer, but never words it the same way twice. It counts who asks what. */
export async function startLlmEndpoint(gate: Gate, ledger: Ledger): Promise<LlmEndpoint> {
  const server = await serveHttp((request, response) => serve(request, response, gate, ledger));
  return {
    baseUrl: (runner) => `http://127.0.0.1:${server.port}/runner-${runner}/v1`,
    close: () => server.close(),
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  gate: Gate,
  ledger: Ledger,
): Promise<void> {
  const [, runner, route] = /^\/runner-(\d+)\/v1\/(.*)$/.exec(request.url ?? '') ?? [];
  if (route !== 'chat/completions') return sendJson(response, { object: 'list', data: [] });
  const key = keyOfPrompt(await text(request));
  const task = key === undefined ? undefined : ledger.find(key);
  if (!task) {
    response.writeHead(404).end();
    return;
  }
  const call = task.addCall(Number(runner), answeredContent(task.key, task.calls.length + 1));
  // Whatever ends the exchange early takes the answer away.
  response.on('close', () => (call.lost ||= !response.writableFinished));
  const here = { point: 'llm', key: task.key, runner: call.runner } as const;
  if ((await gate.pass({ ...here, phase: 'before' })) === 'drop') return void response.destroy();
  if (awaitsRenewal(gate, task.key)) {
    await ledger.until(task.key, () => !awaitsRenewal(gate, task.key), renewalPatienceMs);
  }
  if ((await gate.pass({ ...here, phase: 'after' })) === 'drop') return void response.destroy();
  call.answered = true;
  sendJson(response, completionOf(call.content));
}

function awaitsRenewal(gate: Gate, key: string): boolean {
  const point = gate.next(key)?.point;
  return point === 'renew' || point === 'renew_slot';
}

const chatRequest = z.looseObject({ messages: z.array(z.looseObject({ content: z.string() })) });

function keyOfPrompt(body: string): string | undefined {
  const { messages } = chatRequest.parse(JSON.parse(body));
  for (const { content } of messages) {
    const [, key] = /^Task: *(\S+) *$/m.exec(content) ?? [];
    if (key) return key;
  }
  return undefined;
}

function completionOf(content: string) {
  const answer = { code_changes: [{ file_path: answerFile, operation: 'modify', content }] };
  const message = { role: 'assistant', content: JSON.stringify(answer), refusal: null };
  return {
    id: 'chatcmpl-chaos',
    object: 'chat.completion',
    created: 0,
    model: 'chaos',
    choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }],
    usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
  };
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
