import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The recorded answers of a task, in the form in which the bundled LLM plays them. */
export interface Tape {
  readonly file: string;
  readonly answers: number;
  /** Of the first answer that names one. */
  readonly model: string | undefined;
  readonly answerFormat: 'json' | 'blocks';
  /** A script of the bundled LLM: each answer once, in order, then an error that says so. */
  readonly script: { readonly default: readonly unknown[] };
}

/** A tape that cannot be played; the message names the file, and the line where one is to blame. */
export class TapeProblem extends Error {
  override readonly name = 'TapeProblem';
}

/**
 * Reads a transcript artifact (`transcript.jsonl`). Only the answers and what belongs to them count: lines
 * without an answer and fields that are not known here may be there.
 *
 * @throws TapeProblem
 */
export function readTape(file: string): Tape {
  const recorded = linesOf(file).flatMap(({ text, line }) => readEntry(file, text, line));
  const last = recorded.at(-1);
  if (!last) throw new TapeProblem(`${file}: holds no answer; a tape is the transcript.jsonl of a task`);
  const count = recorded.length === 1 ? 'its answer is' : `its ${recorded.length} answers are`;
  const message = `the tape has run out: ${count} used, the last one is on line ${last.line} of ${file}`;
  return {
    file,
    answers: recorded.length,
    model: recorded.find(({ model }) => model)?.model ?? undefined,
    answerFormat: recorded.some(({ answer }) => blockMarker.test(answer)) ? 'blocks' : 'json',
    script: {
      default: [
        ...recorded.map(({ answer: text, usage, finish_reason }) => ({ text, usage, finish_reason })),
        // Not found: an error that nobody asks again for.
        { fault: { status: 404, message } },
      ],
    },
  };
}

/** What only an answer in blocks has: a line that says what is done to which file. */
const blockMarker = /^<{4,} ?(create|edit|write|rename|delete|needs)\b/m;

const tokens = z.int().min(0);
const entrySchema = z.object({
  answer: z.string().nullish(),
  model: z.string().nullish().catch(null),
  finish_reason: z.string().optional().catch(undefined),
  /** Absent for an answer that an earlier attempt had paid for. */
  usage: z
    .object({ input_tokens: tokens, cached_tokens: tokens.optional(), output_tokens: tokens })
    .optional()
    .catch(undefined),
});

type Recorded = z.infer<typeof entrySchema> & { readonly answer: string; readonly line: number };

interface Line {
  readonly text: string;
  /** From 1 on. */
  readonly line: number;
}

function linesOf(file: string): Line[] {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code ?? 'unknown reason'})`;
    throw new TapeProblem(`${file}: ${reason}`);
  }
  return content
    .split('\n')
    .map((text, index) => ({ text, line: index + 1 }))
    .filter(({ text }) => text.trim() !== '');
}

function readEntry(file: string, text: string, line: number): Recorded[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new TapeProblem(`${file}, line ${line}: not JSON; a tape is the transcript.jsonl of a task`);
  }
  const { data, error } = entrySchema.safeParse(document);
  if (!data) {
    const problem = error.issues[0]?.path[0] === 'answer' ? 'answer is not a text' : 'not a JSON object';
    throw new TapeProblem(`${file}, line ${line}: ${problem}`);
  }
  const { answer } = data;
  return typeof answer === 'string' ? [{ ...data, answer, line }] : [];
}
