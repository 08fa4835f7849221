import { answerSchema, formatProblems, problemsOf, type Answer } from '@necrocode/contracts';

export type ReadAnswer =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** `message` is written for the model. */
  | { readonly kind: 'unreadable'; readonly message: string };

/** Larger answers are refused before they are parsed. */
const maxAnswerBytes = 32 * 1024 * 1024;

/**
 * Reads the JSON object out of an answer: plain, fenced, or with prose around it. An answer that was cut
 * off is never repaired, since half a change is worse than none.
 */
export function readAnswer(text: string, finishReason: string): ReadAnswer {
  if (finishReason === 'length')
    return unreadable(
      'Your answer was cut off (it reached the length limit). Answer with fewer or smaller changes; use edits instead of whole files.',
    );
  if (finishReason === 'content_filter') return unreadable('Your answer was withheld by a content filter.');
  if (text.length > maxAnswerBytes) return unreadable(`Your answer is larger than ${maxAnswerBytes} bytes.`);
  if (text.trim() === '')
    return unreadable('Your answer was empty. Answer with one JSON object of the asked-for form.');
  let fault = '';
  for (const candidate of candidates(text)) {
    const document = parseJson(candidate);
    if (document.kind === 'broken') {
      fault ||= document.fault;
      continue;
    }
    const parsed = answerSchema.safeParse(document.value);
    if (parsed.success) return { kind: 'answer', answer: parsed.data };
    fault = formatProblems(problemsOf(parsed.error));
    if (isObject(document.value))
      return unreadable(`Your answer is JSON, but not of the asked-for form: ${fault}`);
  }
  return unreadable(`Your answer is not the asked-for JSON object (${fault || 'no JSON found'}).`);
}

/** The texts that may be the JSON object, the likeliest first. */
function* candidates(text: string): Generator<string> {
  const trimmed = text.replace(/^\uFEFF/, '').trim();
  yield trimmed;
  for (const block of fencedBlocks(trimmed)) yield block;
  const start = trimmed.indexOf('{');
  const end = trimmed.lastIndexOf('}');
  if (start > 0 && end > start) yield trimmed.slice(start, end + 1);
  else if (start === 0 && end > 0 && end < trimmed.length - 1) yield trimmed.slice(0, end + 1);
}

/** Line by line, since a fence counts only at the start of a line. */
function fencedBlocks(text: string): string[] {
  const blocks: string[] = [];
  let open: string[] | undefined;
  for (const line of text.split('\n')) {
    if (!/^\s{0,3}```/.test(line)) open?.push(line);
    else if (open) {
      blocks.push(open.join('\n'));
      open = undefined;
    } else open = [];
  }
  return blocks;
}

function parseJson(text: string): { kind: 'value'; value: unknown } | { kind: 'broken'; fault: string } {
  try {
    return { kind: 'value', value: JSON.parse(text) };
  } catch (error) {
    return { kind: 'broken', fault: error instanceof Error ? error.message.slice(0, 200) : 'not JSON' };
  }
}

function isObject(value: unknown): boolean {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function unreadable(message: string): ReadAnswer {
  return { kind: 'unreadable', message };
}
