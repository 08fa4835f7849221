import { parseKey } from '@necrocode/contracts';
import { parseDocument } from 'yaml';
import { z } from 'zod';

const count = z.int().min(0);

const faultSchema = z.union(
  [
    // Accepts the request and never answers.
    z.literal('hang'),
    // Sends half of the body, then destroys the socket.
    z.literal('cut_off'),
    z.strictObject({
      status: z.int().min(400).max(599),
      /** Seconds, sent as `Retry-After`. */
      retry_after: z.number().min(0).optional(),
      message: z.string().optional(),
      /** OpenAI's error code, such as `insufficient_quota`. */
      code: z.string().optional(),
    }),
  ],
  { error: 'must be hang, cut_off or { status: 400..599, retry_after?, message?, code? }' },
);

const entrySchema = z
  .strictObject({
    delay_ms: z.int().min(0).max(3_600_000).optional(),
    fault: faultSchema.optional(),
    text: z.string().optional(),
    /** Sent as its JSON text. */
    answer: z.record(z.string(), z.unknown()).optional(),
    finish_reason: z.string().optional(),
    usage: z
      .strictObject({ input_tokens: count, cached_tokens: count.optional(), output_tokens: count })
      .optional(),
  })
  .refine(
    (entry) => [entry.fault, entry.text, entry.answer].filter((part) => part !== undefined).length === 1,
    {
      error: 'needs exactly one of fault, text and answer',
    },
  );

const entriesSchema = z.array(entrySchema).min(1);

const scriptSchema = z.strictObject({
  /** By task key. */
  tasks: z
    .record(
      z.string().refine((key) => parseKey(key) !== undefined),
      entriesSchema,
      { error: (issue) => (issue.code === 'invalid_key' ? 'must be of the form <spec>/<id>' : undefined) },
    )
    .optional(),
  /** For every other task, counted for each. */
  default: entriesSchema.optional(),
});

export type Fault = z.infer<typeof faultSchema>;
export type Entry = Readonly<z.infer<typeof entrySchema>>;
export type Script = Readonly<z.infer<typeof scriptSchema>>;

/** A script that cannot be used; the message names every problem, one a line. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';
}

/**
 * Reads a script.
 *
 * @param source YAML or JSON text, or what was parsed from it
 * @throws ScriptError
 */
export function parseScript(source: unknown): Script {
  const result = scriptSchema.safeParse(typeof source === 'string' ? parseText(source) : source);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'script'}: ${message}`,
  );
  throw new ScriptError(problems.join('\n'));
}

/** JSON is tried first: it is nearly YAML, but a parser of its own is exact and faster with large answers. */
function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parseYaml(text);
  }
}

function parseYaml(text: string): unknown {
  const document = parseDocument(text);
  if (document.errors.length > 0)
    throw new ScriptError(document.errors.map(({ message }) => message).join('\n'));
  try {
    return document.toJS() as unknown;
  } catch (error) {
    throw new ScriptError(error instanceof Error ? error.message : 'cannot be read', { cause: error });
  }
}
