import { answerSchema, formatProblems, problemsOf } from '@necrocode/contracts';
import {
  cutOff,
  endOf,
  placeOf,
  quoted,
  unreadable,
  type ReadAnswer,
  type Unreadable,
} from './answer-fault.js';
import type { AnswerFormat } from './answer-format.js';
import { isRecord } from './answer-words.js';
import { findDocuments, type Document } from './find-documents.js';
import { mergeParts, type Part } from './merge-parts.js';
import { hasBlocks, readBlocks } from './read-blocks.js';
import { shapeAnswer } from './shape-answer.js';
import { announcedEnd, siftDocuments } from './sift-documents.js';

export type { ReadAnswer, UnreadableCode } from './answer-fault.js';

/** Larger answers are refused before they are parsed. */
const maxAnswerBytes = 32 * 1024 * 1024;
const maxChanges = 10_000;
/** A message names the first problems; the others are mostly their echo. */
const mostNamedProblems = 10;

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
  const [document, ...others] = siftDocuments(found.documents, text);
  if (!document) {
    if (found.strange) return strangeShape(found.strange, text);
    return unreadable('not_json', nothingFound(found.fault, text, format));
  }
  if (found.half && found.documents.some(({ role }) => role === 'change'))
    return strangeShape(found.half, text);
  const missing = announcedEnd(text, found.documents.at(-1)?.end ?? 0);
  if (missing !== undefined) return cutOff(missing);
  return readDocuments([document, ...others], text);
}

/** Every document is read for itself, and all of them are one answer. */
function readDocuments(documents: readonly [Document, ...Document[]], text: string): ReadAnswer {
  const parts: Part[] = [];
  const recovered = new Set<string>();
  for (const { start, begins, role, value, repaired } of documents) {
    if (repaired) recovered.add('the punctuation of the JSON');
    if (role === 'answers') recovered.add('an array of answers');
    for (const item of role === 'answers' ? (value as unknown[]) : [value]) {
      const shaped = shapeAnswer(item);
      // Places are counted only where they are told, since counting walks over the text.
      const place = () => (documents.length > 1 ? `${placeOf(text, start)}: ` : '');
      if (shaped.kind === 'clash') return wrongShape(place() + shaped.message);
      for (const what of shaped.recovered) recovered.add(what);
      const read = checked({ value: shaped.value, recovered: [] }, place);
      if (read.kind === 'unreadable') return read;
      parts.push({ answer: read.answer, start, begins });
    }
  }
  const answer = mergeParts(parts, text);
  if ('kind' in answer) return answer;
  const changes = answer.code_changes.length;
  if (changes > maxChanges) return tooManyChanges(changes);
  if (text.slice(0, documents[0].start).trim() !== '') recovered.add('text around the answer');
  if (parts.length > 1) recovered.add('several answers');
  return { kind: 'answer', answer, recovered: [...recovered] };
}

function nothingFound(fault: string | undefined, text: string, format: AnswerFormat): string {
  const said = text.search(/\S/);
  const begins = quoted(text.slice(text.lastIndexOf('\n', said) + 1).split('\n', 1)[0] ?? '');
  return format === 'json'
    ? `Your answer is not the asked-for JSON object (${fault ?? `no JSON found; it begins with ${begins}`}).`
    : `Your answer is not the asked-for blocks (no line begins with "<<<< " and the word of a block; it begins with ${begins}).`;
}

interface Read {
  readonly value: unknown;
  readonly recovered: readonly string[];
}

/** @param place said before the problems, where there are several documents */
function checked(read: Read | Unreadable, place = () => ''): ReadAnswer {
  if ('kind' in read) return read;
  const { value, recovered } = read;
  const changes = isRecord(value) && Array.isArray(value['code_changes']) ? value['code_changes'].length : 0;
  if (changes > maxChanges) return tooManyChanges(changes);
  const parsed = answerSchema.safeParse(value);
  if (parsed.success) return { kind: 'answer', answer: parsed.data, recovered };
  const problems = problemsOf(parsed.error);
  const more = problems.length > mostNamedProblems ? `; and ${problems.length - mostNamedProblems} more` : '';
  return wrongShape(place() + formatProblems(problems.slice(0, mostNamedProblems)) + more);
}

function tooManyChanges(changes: number): Unreadable {
  return unreadable('too_large', `Your answer holds ${changes} changes; at most ${maxChanges} are read.`);
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
