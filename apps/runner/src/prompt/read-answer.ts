import { answerSchema, formatProblems, problemsOf } from '@necrocode/contracts';
import { cutOff, placeOf, unreadable, type ReadAnswer, type Unreadable } from './answer-fault.js';
import type { AnswerFormat } from './answer-format.js';
import { isRecord, roleOfKeys } from './answer-words.js';
import { findDocuments, type Document } from './find-documents.js';
import { hasBlocks, readBlocks } from './read-blocks.js';
import { shapeAnswer } from './shape-answer.js';

export type { ReadAnswer, UnreadableCode } from './answer-fault.js';

/** Larger answers are refused before they are parsed. */
const maxAnswerBytes = 32 * 1024 * 1024;
const maxChanges = 10_000;
/** A message names the first problems; the others are mostly their echo. */
const mostNamedProblems = 10;
/** Characters of the answer in a message, to find the place by. */
const mostQuoted = 60;

/**
 * Reads the change set out of an answer: plain, fenced, with prose around it, with slips in its form.
 * What is clear is recovered; what could mean two things is refused, with the place; an answer that was
 * cut off is never repaired or half-used. Never throws, and takes time linear in the text.
 *
 * @param finishReason as the endpoint gave it; `length` and `content_filter` refuse the answer
 * @param options `format` is the form that was asked for; an answer in JSON is read in either case
 */
export function readAnswer(
  text: string,
  finishReason: string,
  { format = 'json' }: { readonly format?: AnswerFormat } = {},
): ReadAnswer {
  if (finishReason === 'length') return cutOff(`it reached the length limit ${endOf(text)}`);
  if (finishReason === 'content_filter')
    return unreadable('withheld', 'Your answer was withheld by a content filter.');
  if (Buffer.byteLength(text) > maxAnswerBytes)
    return unreadable('too_large', `Your answer is larger than ${maxAnswerBytes} bytes.`);
  const spoken = withoutThoughts(text);
  if (spoken === undefined) return cutOff('<think> has no end');
  if (spoken.trim() === '') return unreadable('empty', 'Your answer was empty.');
  return format === 'blocks' && hasBlocks(spoken) ? checked(readBlocks(spoken)) : readJson(spoken, format);
}

/** Where a text ends, for who has written it. */
function endOf(text: string): string {
  const end = text.trimEnd();
  if (end === '') return 'before it began';
  const last = end.slice(end.lastIndexOf('\n') + 1).trim();
  return `at ${placeOf(text, end.length)}, behind ${JSON.stringify(last.slice(-mostQuoted))}`;
}

/** Blanks out, so that places stay those of the whole text, what some models send before the answer. */
function withoutThoughts(text: string): string | undefined {
  const start = /^\uFEFF?\s*<think>/.exec(text)?.[0].length;
  if (start === undefined) return text.startsWith('\uFEFF') ? ` ${text.slice(1)}` : text;
  const end = text.indexOf('</think>', start);
  if (end < 0) return undefined;
  const spokenFrom = end + '</think>'.length;
  return text.slice(0, spokenFrom).replace(/[^\n]/g, ' ') + text.slice(spokenFrom);
}

function readJson(text: string, format: AnswerFormat): ReadAnswer {
  const found = findDocuments(text);
  if ('kind' in found) return found;
  const documents = distinct(found.documents);
  const [document, ...others] = documents;
  if (!document) {
    if (found.strange) return strangeShape(found.strange, text);
    return unreadable('not_json', nothingFound(found.fault, text, format));
  }
  if (others.length > 0) {
    const places = documents.slice(0, 10).map(({ start }) => placeOf(text, start));
    return unreadable(
      'ambiguous',
      `Your answer holds ${documents.length} different answers (${places.join('; ')}), and it is not clear which one counts. Give one, with all changes in it.`,
    );
  }
  const shaped = shapeAnswer(document.value);
  if (shaped.kind === 'clash') return wrongShape(shaped.message);
  return checked({
    value: shaped.value,
    recovered: [
      ...(document.repaired ? ['the punctuation of the JSON'] : []),
      ...(text.slice(0, document.start).trim() === '' ? [] : ['text around the answer']),
      ...shaped.recovered,
    ],
  });
}

function nothingFound(fault: string | undefined, text: string, format: AnswerFormat): string {
  const begins = JSON.stringify(text.trimStart().split('\n', 1)[0]?.slice(0, mostQuoted));
  return format === 'json'
    ? `Your answer is not the asked-for JSON object (${fault ?? `no JSON found; it begins with ${begins}`}).`
    : `Your answer is not the asked-for blocks (no line begins with "<<<< " and the word of a block; it begins with ${begins}).`;
}

/** Repeated answers count once, and an empty one beside a full one not at all (it shows the form). */
function distinct(documents: readonly Document[]): Document[] {
  if (documents.length < 2) return [...documents];
  const unique = new Map<string, Document>();
  for (const document of documents) {
    const key = JSON.stringify(document.value);
    if (!unique.has(key)) unique.set(key, document);
  }
  const full = [...unique.values()].filter(({ value }) => !isEmptyAnswer(value));
  return full.length > 0 ? full : [...unique.values()].slice(0, 1);
}

function isEmptyAnswer(value: unknown): boolean {
  if (!isRecord(value) || roleOfKeys(Object.keys(value)) !== 'answer') return false;
  return Object.values(value).every((field) => !isRecord(field) && !hasItems(field));
}

function hasItems(field: unknown): boolean {
  return Array.isArray(field) && field.length > 0;
}

interface Read {
  readonly value: unknown;
  readonly recovered: readonly string[];
}

function checked(read: Read | Unreadable): ReadAnswer {
  if ('kind' in read) return read;
  const { value, recovered } = read;
  const changes = isRecord(value) && Array.isArray(value['code_changes']) ? value['code_changes'].length : 0;
  if (changes > maxChanges)
    return unreadable('too_large', `Your answer holds ${changes} changes; at most ${maxChanges} are read.`);
  const parsed = answerSchema.safeParse(value);
  if (parsed.success) return { kind: 'answer', answer: parsed.data, recovered };
  const problems = problemsOf(parsed.error);
  const more = problems.length > mostNamedProblems ? `; and ${problems.length - mostNamedProblems} more` : '';
  return wrongShape(formatProblems(problems.slice(0, mostNamedProblems)) + more);
}

function wrongShape(problem: string): Unreadable {
  return unreadable('wrong_shape', `Your answer is not of the asked-for form: ${problem}`);
}

function strangeShape({ value, start }: Document, text: string): Unreadable {
  const keys = isRecord(value) ? Object.keys(value) : [];
  const has = keys.length === 0 ? 'is empty' : `has ${keys.slice(0, 10).map(shortened).join(', ')}`;
  return wrongShape(`the object at ${placeOf(text, start)} ${has}, but neither code_changes nor needs_files`);
}

function shortened(key: string): string {
  return JSON.stringify(key.slice(0, 40));
}
