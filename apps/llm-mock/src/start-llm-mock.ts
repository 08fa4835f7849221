import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CallLog, type RecordedCall } from './call-log.js';
import { parseChatRequest } from './chat-request.js';
import { playEntry, sendError, statusOf } from './play-entry.js';
import { readBody } from './read-body.js';
import { ScriptFile } from './script-file.js';
import { ScriptPlayer } from './script-player.js';
import { parseScript, ScriptError, type Script } from './script.js';

export interface LlmMockOptions {
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** A free one by default. */
  readonly port?: number;
  readonly script?: Script;
  /** Path of a YAML or JSON script, read again when it changes; counts before `script`. */
  readonly scriptFile?: string;
  /** Added to every answer. */
  readonly latencyMs?: number;
  /** When set, chat requests and the list of models ask for this bearer token. */
  readonly apiKey?: string;
  /** Told when a changed script file cannot be used; the script before stays. */
  readonly onBadScript?: (error: unknown) => void;
}

export interface LlmMock {
  /** `http://host:port`, without `/v1`. */
  readonly url: string;
  readonly port: number;
  /** Oldest first, of one task or of all. */
  calls(task?: string): RecordedCall[];
  /** Every task starts over with the new script. */
  setScript(script: Script): void;
  /** Breaks off what is open. */
  close(): Promise<void>;
}

/**
 * Starts the endpoint: chat completions and models in OpenAI's form, `/health`, and for tests
 * `GET /__calls?task=`, `DELETE /__calls`, `POST /__script`.
 *
 * @throws ScriptError when the first script cannot be used
 */
export async function startLlmMock(options: LlmMockOptions = {}): Promise<LlmMock> {
  const { host = '127.0.0.1', port = 0, latencyMs = 0, apiKey, onBadScript } = options;
  const log = new CallLog();
  const player = new ScriptPlayer();
  const file = options.scriptFile === undefined ? undefined : new ScriptFile(options.scriptFile);
  player.replace((await file?.changed()) ?? parseScript(options.script ?? {}));

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://mock');
    const route = `${request.method ?? ''} ${url.pathname.replace(/^\/v1\//, '/')}`;
    switch (route) {
      case 'POST /chat/completions':
        return allowed(request, response) ? chat(request, response) : undefined;
      case 'GET /models':
        return allowed(request, response) ? sendJson(response, models) : undefined;
      case 'GET /health':
        return sendJson(response, { status: 'ok' });
      case 'GET /__calls':
        return sendJson(response, log.list(url.searchParams.get('task') ?? undefined));
      case 'DELETE /__calls':
        log.clear();
        player.reset();
        return sendJson(response, {});
      case 'POST /__script':
        return replaceScript(request, response);
      default:
        return sendError(response, 404, `no such route: ${route}`);
    }
  }

  function allowed(request: IncomingMessage, response: ServerResponse): boolean {
    if (!apiKey || request.headers.authorization === `Bearer ${apiKey}`) return true;
    sendError(response, 401, 'Incorrect API key provided', 'invalid_api_key');
    return false;
  }

  async function chat(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    if (body === undefined) return sendError(response, 413, 'the request is too long');
    const asked = parseChatRequest(body);
    if (!asked) return sendError(response, 400, 'not a chat completion request');
    await reloadScript();
    const entry = player.next(asked.task);
    log.add(asked.task, entry ? statusOf(entry) : 404, body);
    if (!entry)
      return sendError(
        response,
        404,
        `the script has nothing for task ${asked.task ?? '(none)'}`,
        'no_script',
      );
    await playEntry(entry, asked, response, { latencyMs, id: `chatcmpl-${randomUUID()}` });
  }

  async function reloadScript(): Promise<void> {
    try {
      const script = await file?.changed();
      if (script) player.replace(script);
    } catch (error) {
      // The file may have been met half written; its next version is read with the next request.
      onBadScript?.(error);
    }
  }

  async function replaceScript(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      player.replace(parseScript(await readBody(request)));
      sendJson(response, {});
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      sendError(response, 400, error.message, 'bad_script');
    }
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const bound = (server.address() as AddressInfo).port;

  return {
    url: `http://${host}:${bound}`,
    port: bound,
    calls: (task) => log.list(task),
    setScript: (script) => player.replace(parseScript(script)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const models = {
  object: 'list',
  data: [{ id: 'scripted', object: 'model', created: 0, owned_by: 'necrocode' }],
};

function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
