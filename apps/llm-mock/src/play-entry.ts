import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AskedChat } from './chat-request.js';
import { completionFor, type Payload } from './completion.js';
import type { Entry, Fault } from './script.js';

/** The status that an entry leads to; null when it leads to no answer. */
export function statusOf({ fault }: Entry): number | null {
  if (fault === 'hang') return null;
  return typeof fault === 'object' ? fault.status : 200;
}

/** Does to the response what the entry says. `latencyMs` comes on top of the entry's own delay. */
export async function playEntry(
  entry: Entry,
  asked: AskedChat,
  response: ServerResponse,
  options: { readonly latencyMs: number; readonly id: string },
): Promise<void> {
  await wait(options.latencyMs + (entry.delay_ms ?? 0), response);
  if (response.destroyed || entry.fault === 'hang') return;
  if (typeof entry.fault === 'object') return sendFault(entry.fault, response);
  const payload = completionFor(entry, asked, options.id);
  if (entry.fault === 'cut_off') return cutOff(payload, response);
  response.writeHead(200, { 'content-type': payload.contentType }).end(payload.text);
}

/** An error in OpenAI's form. */
export function sendError(response: ServerResponse, status: number, message: string, code?: string): void {
  const error = {
    message,
    type: status === 429 ? 'rate_limit_error' : 'error',
    param: null,
    code: code ?? null,
  };
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
}

/** Ends early when the client goes away, so that no timer outlives its call. */
async function wait(milliseconds: number, response: ServerResponse): Promise<void> {
  if (milliseconds <= 0) return;
  const gone = new AbortController();
  const stop = () => gone.abort();
  response.once('close', stop);
  await sleep(milliseconds, undefined, { signal: gone.signal }).catch(() => undefined);
  response.removeListener('close', stop);
}

function sendFault(fault: Exclude<Fault, string>, response: ServerResponse): void {
  if (fault.retry_after !== undefined) response.setHeader('retry-after', String(fault.retry_after));
  sendError(response, fault.status, fault.message ?? 'scripted fault', fault.code);
}

function cutOff({ contentType, text }: Payload, response: ServerResponse): void {
  const bytes = Buffer.from(text);
  response.writeHead(200, { 'content-type': contentType, 'content-length': bytes.length });
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.destroy());
}
