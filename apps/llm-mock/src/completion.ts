import { estimateTokens } from '@necrocode/llm';
import type { AskedChat } from './chat-request.js';
import type { Entry } from './script.js';

/** The body of an answer, with its content type. */
export interface Payload {
  readonly contentType: string;
  readonly text: string;
}

/** Pieces of a streamed answer, characters. */
const pieceLength = 64;

/** An answer in OpenAI's form: one JSON object, or server-sent events when the request asks for a stream. */
export function completionFor(entry: Entry, asked: AskedChat, id: string): Payload {
  const text = entry.text ?? JSON.stringify(entry.answer ?? {});
  const completion = {
    id,
    created: Math.floor(Date.now() / 1000),
    model: asked.model,
    text,
    finishReason: entry.finish_reason ?? 'stop',
    usage: usageOf(entry, asked, text),
  };
  return asked.stream ? streamed(completion, asked.streamUsage) : whole(completion);
}

type Completion = Readonly<{
  id: string;
  created: number;
  model: string;
  text: string;
  finishReason: string;
  usage: ReturnType<typeof usageOf>;
}>;

function usageOf({ usage }: Entry, asked: AskedChat, text: string) {
  const input = usage?.input_tokens ?? estimateTokens(asked.prompt);
  const output = usage?.output_tokens ?? estimateTokens(text);
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: usage?.cached_tokens ?? 0 },
  };
}

function whole({ id, created, model, text, finishReason, usage }: Completion): Payload {
  const message = { role: 'assistant', content: text, refusal: null };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: finishReason }];
  const body = { id, object: 'chat.completion', created, model, choices, usage };
  return { contentType: 'application/json', text: JSON.stringify(body) };
}

function streamed(
  { id, created, model, text, finishReason, usage }: Completion,
  withUsage: boolean,
): Payload {
  const head = { id, object: 'chat.completion.chunk', created, model };
  const chunk = (delta: object, finish: string | null) => ({
    ...head,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const pieces = text.match(new RegExp(`[\\s\\S]{1,${pieceLength}}`, 'gu')) ?? [];
  const events = [
    chunk({ role: 'assistant', content: '' }, null),
    ...pieces.map((content) => chunk({ content }, null)),
    chunk({}, finishReason),
    ...(withUsage ? [{ ...head, choices: [], usage }] : []),
  ];
  const lines = [...events.map((event) => JSON.stringify(event)), '[DONE]'];
  return { contentType: 'text/event-stream', text: lines.map((line) => `data: ${line}\n\n`).join('') };
}
