import { cutOff, placeOf, unreadable, type Unreadable } from './answer-fault.js';
import { isRecord, namesPath, roleOfKeys, roleOfValue, type Role } from './answer-words.js';
import { parseDocument } from './parse-document.js';
import { scanJson } from './scan-json.js';

/** A piece of JSON in an answer that may be what was asked for. */
export interface Document {
  readonly start: number;
  /** Just behind its last bracket. */
  readonly end: number;
  readonly value: unknown;
  readonly role: Role;
  readonly repaired: boolean;
  /** Whether it stands where a document can begin, not inside a sentence. */
  readonly begins: boolean;
}

export interface Findings {
  readonly documents: readonly Document[];
  /** Complete JSON in the place of an answer that is none. */
  readonly strange: Document | undefined;
  /** What begins like a change and is none: beside bare changes it may be one of them. */
  readonly half: Document | undefined;
  /** The first thing that began like JSON, and why it is not. */
  readonly fault: string | undefined;
}

/** Looking for the beginning of JSON again and again must not cost more than this many times the text. */
const maxWork = 16;
const freeWork = 100_000;

/**
 * Finds the answers in a text with prose, fences and other code around them. A whole answer may stand
 * anywhere; a bare change or array of changes only where a document can begin (at the start of a line),
 * since inside something broken it would be half of an answer.
 */
export function findDocuments(text: string): Findings | Unreadable {
  const documents: Document[] = [];
  let strange: Document | undefined;
  let half: Document | undefined;
  let firstFault: string | undefined;
  let halfFault: string | undefined;
  let work = 0;
  for (let start = nextBracket(text, 0); start >= 0;) {
    const scan = scanJson(text, start);
    if (scan.kind === 'unfinished') {
      return cutOff(`the ${scan.what} that begins at ${placeOf(text, scan.at)} has no end`);
    }
    if (scan.kind === 'too_large') {
      return unreadable('too_large', `Your answer is too large: ${scan.problem}, ${placeOf(text, scan.at)}.`);
    }
    const begins = isLineStart(text, start);
    if (scan.kind === 'fault') {
      // Places are counted only where they are told, since counting walks over the text.
      const fault = () => `${scan.problem}, at ${placeOf(text, scan.at)}`;
      if (roleOfKeys(scan.keys) !== 'none') return notJson(fault());
      if (begins) firstFault ??= fault();
      if (begins && namesPath(scan.keys)) halfFault ??= fault();
      work += scan.end - start;
      if (work > maxWork * text.length + freeWork) break;
      start = nextBracket(text, start + 1);
      continue;
    }
    const parsed = parseDocument(text, start, scan);
    if (parsed.kind === 'broken') {
      if (roleOfKeys(scan.keys) !== 'none') return notJson(`${parsed.fault}, from ${placeOf(text, start)}`);
    } else {
      const { value, repaired } = parsed;
      const role = roleOfValue(value);
      const document = { start, end: scan.end, value, role, repaired, begins };
      if (role === 'answer' || (role !== 'none' && begins)) documents.push(document);
      else if (begins && isRecord(value)) {
        strange ??= document;
        if (namesPath(scan.keys)) half ??= document;
      }
    }
    start = nextBracket(text, scan.end);
  }
  if (halfFault !== undefined && documents.some(({ role }) => role === 'change')) return notJson(halfFault);
  return { documents, strange, half, fault: firstFault };
}

function notJson(fault: string): Unreadable {
  return unreadable('not_json', `The JSON of your answer cannot be read: ${fault}.`);
}

function nextBracket(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === 0x7b || char === 0x5b) return at;
  }
  return -1;
}

/** The start of the text, column 1 of a line, or the first thing behind a line that opens a fence. */
function isLineStart(text: string, at: number): boolean {
  let start = at;
  while (start > 0 && (text[start - 1] === ' ' || text[start - 1] === '\t')) start -= 1;
  if (start > 0 && text[start - 1] !== '\n') return false;
  if (start === at) return true;
  const above = text.slice(0, start).trimEnd();
  const lineAbove = above.slice(above.lastIndexOf('\n') + 1).trimStart();
  return above === '' || lineAbove.startsWith('```') || lineAbove.startsWith('~~~');
}
