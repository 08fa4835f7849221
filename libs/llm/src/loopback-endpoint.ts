import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What the endpoint does with one call. `stall` sends the headers and half of the body, and then nothing more. */
export type Reply =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: unknown }
  | 'hang'
  | 'stall'
  | 'cut_off'
  | 'reset';

export interface ReceivedCall {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: Record<string, unknown>;
}

export interface LoopbackEndpoint {
  /** To be given to a client, with `/v1`. */
  readonly baseUrl: string;
  readonly calls: readonly ReceivedCall[];
  /** Resolves when call n (from 1) has arrived. */
  received(n: number): Promise<void>;
  close(): Promise<void>;
}

/** A real HTTP server for specs, which plays the replies in their order; the last one repeats. */
export async function startLoopbackEndpoint(replies: readonly Reply[]): Promise<LoopbackEndpoint> {
  const calls: ReceivedCall[] = [];
  const waiting: { n: number; arrived: () => void }[] = [];

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse(await text(request)) as Record<string, unknown>;
    calls.push({ path: request.url ?? '', authorization: request.headers.authorization, body });
    for (const { n, arrived } of waiting) if (calls.length >= n) arrived();
    play(replies[Math.min(calls.length, replies.length) - 1] ?? 'hang', response);
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    calls,
    received: (n) =>
      new Promise((arrived) => {
        if (calls.length >= n) arrived();
        else waiting.push({ n, arrived });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The body of a successful answer. */
export function completion(
  content: string | null,
  extra: { finishReason?: string; usage?: unknown; refusal?: string; model?: string } = {},
): Reply {
  const { finishReason = 'stop', usage, refusal, model = 'test-model' } = extra;
  const choice = { index: 0, finish_reason: finishReason, message: { role: 'assistant', content, refusal } };
  return { status: 200, body: { id: 'c-1', object: 'chat.completion', model, choices: [choice], usage } };
}

/** The body of a refusal in OpenAI's form. */
export function refusal(
  status: number,
  message: string,
  headers?: Record<string, string>,
  code?: string,
): Reply {
  return { status, headers, body: { error: { message, code } } };
}

function play(reply: Reply, response: ServerResponse): void {
  if (reply === 'hang') return;
  if (reply === 'reset') return void response.socket?.resetAndDestroy();
  if (reply === 'stall' || reply === 'cut_off') {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"choices": [', () => {
      if (reply === 'cut_off') response.destroy();
    });
    return;
  }
  const body = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? '');
  response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers }).end(body);
}
