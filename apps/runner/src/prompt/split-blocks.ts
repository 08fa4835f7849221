import { fieldName } from './answer-words.js';
import {
  arrow,
  blockOptions,
  blockWords,
  markerOf,
  type BlockOption,
  type BlockWord,
  type Marker,
} from './block-markers.js';
import { scanJson } from './scan-json.js';

export interface Block {
  readonly word: Exclude<BlockWord, 'end'>;
  readonly options: ReadonlySet<BlockOption>;
  /** One, or two where a file moves; for `needs` all that are asked for. */
  readonly paths: readonly string[];
  /** The content, or what an edit searches for and what replaces it. */
  readonly texts: readonly string[];
  /** Of its opening marker, from 1. */
  readonly line: number;
}

export type SplitBlocks =
  | { readonly blocks: readonly Block[] }
  | { readonly kind: 'cut_off'; readonly fact: string }
  | { readonly kind: 'fault'; readonly problem: string };

/** Whether a text is meant to be of the form `blocks`. */
export function hasBlocks(text: string): boolean {
  return (text.startsWith('<<<<') || text.includes('\n<<<<')) && !beginsAsAnswer(text);
}

/** Whether a text is JSON that is meant as an answer: its strings may hold anything, blocks as well. */
function beginsAsAnswer(text: string): boolean {
  const start = text.search(/\S/);
  if (text[start] !== '{' && text[start] !== '[') return false;
  const scan = scanJson(text, start);
  return scan.kind === 'unfinished' || scan.keys.some((key) => isAnswerKey(key));
}

function isAnswerKey(key: string): boolean {
  return fieldName('answer', key) !== undefined || fieldName('change', key) !== undefined;
}

/** Splits an answer at its marker lines; what is between is taken byte by byte. */
export function splitBlocks(text: string): SplitBlocks {
  const lines = new Lines(text);
  const blocks: Block[] = [];
  let afterOneLine = false;
  for (;;) {
    const line = lines.next();
    if (!line) return { kind: 'cut_off', fact: 'the line "<<<< end" is missing' };
    const marker = markerOf(line.text);
    if (!marker) {
      if (line.text.trim() !== '') afterOneLine = false;
      continue;
    }
    if (marker.kind !== 'open') {
      // A line of "=" is a heading in prose; a closing marker without a block may hide one,
      // unless it closes what needs no closing.
      if (marker.kind === 'divide' || afterOneLine) continue;
      return { kind: 'fault', problem: `line ${line.number} closes a block, but none is open` };
    }
    const header = readHeader(marker.rest);
    if (typeof header === 'string') return { kind: 'fault', problem: `line ${line.number}: ${header}` };
    if (header.word === 'end') {
      return lines.remainderHasBlocks()
        ? { kind: 'fault', problem: `there are blocks behind the end at line ${line.number}` }
        : { blocks };
    }
    afterOneLine = !hasBody(header.word);
    const body = hasBody(header.word) ? readBody(lines, marker.width, line.number, header.word) : [];
    if ('kind' in body) return body;
    const paths = header.word === 'needs' ? readList(body[0] ?? '') : header.paths;
    if (typeof paths === 'string') return { kind: 'fault', problem: `line ${line.number}: ${paths}` };
    blocks.push({ word: header.word, options: header.options, paths, texts: body, line: line.number });
  }
}

function hasBody(word: BlockWord): boolean {
  return word !== 'rename' && word !== 'delete' && word !== 'end';
}

interface Header {
  readonly word: BlockWord;
  readonly options: ReadonlySet<BlockOption>;
  readonly paths: readonly string[];
}

/** `word(option,option) path` or `word path -> path`; a problem as text. */
function readHeader(rest: string): Header | string {
  const blank = rest.search(/[ \t]/);
  const head = blank < 0 ? rest : rest.slice(0, blank);
  const paren = head.indexOf('(');
  const name = (paren < 0 ? head : head.slice(0, paren)).toLowerCase();
  const word = blockWords.find((known) => known === name);
  if (!word) return `${JSON.stringify(name.slice(0, 40))} is not one of ${blockWords.join(', ')}`;
  if (paren >= 0 && !head.endsWith(')')) return 'options are written without spaces: word(option,option)';
  const names = paren < 0 ? [] : head.slice(paren + 1, -1).split(',');
  const options = new Set<BlockOption>();
  for (const given of names) {
    const option = blockOptions.find((known) => known === given);
    if (!option) return `${JSON.stringify(given.slice(0, 40))} is not one of ${blockOptions.join(', ')}`;
    options.add(option);
  }
  const paths = readPaths(blank < 0 ? '' : rest.slice(blank).trim());
  return typeof paths === 'string' ? paths : { word, options, paths };
}

function readPaths(text: string): readonly string[] | string {
  if (text === '') return [];
  if (!text.startsWith('"')) {
    const at = text.indexOf(arrow);
    if (at < 0) return [text];
    const second = readPath(text.slice(at + arrow.length).trim());
    return typeof second === 'string' ? [text.slice(0, at).trim(), second] : second.problem;
  }
  // The first path ends at the quote that is not escaped.
  let end = 1;
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  const first = readPath(text.slice(0, end + 1));
  if (typeof first !== 'string') return first.problem;
  const rest = text.slice(end + 1);
  if (rest.trim() === '') return [first];
  if (!rest.startsWith(arrow)) return 'behind a quoted path only " -> " and another path can stand';
  const second = readPath(rest.slice(arrow.length).trim());
  return typeof second === 'string' ? [first, second] : second.problem;
}

function readPath(text: string): string | { readonly problem: string } {
  if (!text.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'string') return value;
  } catch {
    // told below
  }
  return { problem: `the quoted path ${text.slice(0, 80)} is not a JSON string` };
}

function readList(body: string): readonly string[] | string {
  const paths: string[] = [];
  for (const line of body.split('\n')) {
    if (line.trim() === '') continue;
    const path = readPath(line.trim());
    if (typeof path !== 'string') return path.problem;
    paths.push(path);
  }
  return paths;
}

/** The one text of a block, or the two of an edit, up to the closing marker. */
function readBody(
  lines: Lines,
  width: number,
  opened: number,
  word: BlockWord,
): readonly string[] | Exclude<SplitBlocks, { readonly blocks: unknown }> {
  const texts: string[] = [];
  let start = lines.at;
  for (;;) {
    const line = lines.next();
    if (!line) return { kind: 'cut_off', fact: `the block that begins at line ${opened} has no end` };
    const marker = markerOf(line.text);
    if (marker?.width !== width) continue;
    if (marker.kind === 'open') {
      // Only a longer marker tells content from a block whose predecessor was not closed.
      return { kind: 'fault', problem: unclearLine(line.number, opened, 'looks like the start of a block') };
    }
    const text = lines.slice(start, line.start, marker);
    if (text === undefined) {
      return { kind: 'fault', problem: `line ${line.number} says no-newline, but there is no text above it` };
    }
    if (marker.kind === 'divide') {
      if (word !== 'edit' || texts.length > 0) {
        return {
          kind: 'fault',
          problem: unclearLine(line.number, opened, 'looks like the divider of an edit'),
        };
      }
      texts.push(text);
      start = lines.at;
      continue;
    }
    if (word === 'edit' && texts.length === 0) {
      return {
        kind: 'fault',
        problem: `the edit that begins at line ${opened} has no line "${'='.repeat(width)}" between old and new text`,
      };
    }
    return [...texts, text];
  }
}

function unclearLine(line: number, opened: number, what: string): string {
  return `line ${line} ${what}, but the block that begins at line ${opened} is not closed; if it is content, use longer markers for that block`;
}

interface Line {
  /** Without its line end. */
  readonly text: string;
  readonly start: number;
  readonly number: number;
}

class Lines {
  at = 0;
  private count = 0;

  constructor(private readonly text: string) {}

  /** A last line without line end counts, an empty one does not. */
  next(): Line | undefined {
    if (this.at >= this.text.length) return undefined;
    const start = this.at;
    const end = this.text.indexOf('\n', start);
    this.at = end < 0 ? this.text.length : end + 1;
    this.count += 1;
    return { text: this.text.slice(start, end < 0 ? undefined : end), start, number: this.count };
  }

  /** What stands between a line's end and a marker; without its last line end where the marker says so. */
  slice(start: number, end: number, marker: Marker): string | undefined {
    const body = this.text.slice(start, end);
    if (marker.kind === 'open' || !marker.noNewline) return body;
    if (!body.endsWith('\n')) return undefined;
    return body.slice(0, -1);
  }

  remainderHasBlocks(): boolean {
    for (let line = this.next(); line; line = this.next()) {
      const marker = markerOf(line.text);
      if (marker?.kind === 'open' && typeof readHeader(marker.rest) !== 'string') return true;
    }
    return false;
  }
}
