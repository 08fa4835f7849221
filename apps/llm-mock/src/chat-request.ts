import { parseKey } from '@necrocode/contracts';
import { z } from 'zod';

const partsSchema = z.array(z.looseObject({ text: z.string().optional() }));

const chatRequestSchema = z.looseObject({
  model: z.string().min(1),
  messages: z
    .array(z.looseObject({ role: z.string(), content: z.union([z.string(), partsSchema]).nullish() }))
    .min(1),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
});

/** What a script needs to know of a request. */
export interface AskedChat {
  readonly model: string;
  /** The text of all messages. */
  readonly prompt: string;
  /** From the first line of the form `Task: <spec>/<id>`. */
  readonly task: string | null;
  readonly stream: boolean;
  readonly streamUsage: boolean;
}

/** Undefined when the body is no chat request. */
export function parseChatRequest(body: string): AskedChat | undefined {
  const parsed = chatRequestSchema.safeParse(parseJson(body));
  if (!parsed.success) return undefined;
  const { model, messages, stream, stream_options: options } = parsed.data;
  const prompt = messages.map(({ content }) => textOf(content)).join('\n');
  return {
    model,
    prompt,
    task: taskOf(prompt),
    stream: stream ?? false,
    streamUsage: options?.include_usage ?? false,
  };
}

function taskOf(prompt: string): string | null {
  const keys = Array.from(prompt.matchAll(/^Task: *(\S+) *\r?$/gm), ([, key = '']) => key);
  return keys.find((key) => parseKey(key) !== undefined) ?? null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function textOf(content: string | z.infer<typeof partsSchema> | null | undefined): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => part.text ?? '').join('');
}
