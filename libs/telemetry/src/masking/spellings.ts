import type { ByteChoice, ByteGraph } from './byte-graph.js';

/**
 * Adds every spelling in which a secret usually leaks: as it is, URL-encoded, escaped as in JSON, HTML, git's
 * quoted paths and C strings (in any mixture of these), hexadecimal, and base64 at each of its three shifts
 * in both alphabets, with or without line breaks.
 */
export function addSpellings(graph: ByteGraph, secret: string): void {
  addText(graph, secret);
  const bytes = Buffer.from(secret, 'utf8');
  addHex(graph, bytes);
  for (const shift of [0, 1, 2]) addBase64(graph, bytes, shift);
}

function addText(graph: ByteGraph, secret: string): void {
  const characters = [...secret];
  let from = beginning(graph, secret);
  for (const [index, character] of characters.entries()) {
    const to = graph.node();
    for (const node of from) addCharacter(graph, node, character, to);
    if (index === characters.length - 1) graph.ends.add(to);
    from = [to];
  }
}

/** All spellings of one character. */
function addCharacter(graph: ByteGraph, from: number, character: string, to: number): void {
  const bytes = Buffer.from(character, 'utf8');
  addBytes(graph, from, bytes, to);
  if (bytes.length > 1) addUnicodeEscape(graph, from, character, to);
  const entities = [...(named[character] ?? []), ...numeric(character)];
  for (const entity of entities) graph.spell(from, Buffer.from(entity), to);
  if (character === ' ') graph.spell(from, [0x2b], to);
  if (character === '\n') graph.spell(from, [0x0d, 0x0a], to);
  const short = shortEscapes[character];
  if (short === undefined) return;
  const escapes = character === '\n' ? ['n', 'r\\n', 'r\\\\n', 'r\\\\\\\\n'] : [short];
  for (const escape of escapes) graph.spell(graph.escaped(from), Buffer.from(escape), to);
}

/** Byte for byte, each as it is or escaped by its number. */
function addBytes(graph: ByteGraph, from: number, bytes: Buffer, to: number): void {
  let at = from;
  for (const [index, byte] of bytes.entries()) {
    const next = index === bytes.length - 1 ? to : graph.node();
    graph.spell(at, [byte], next);
    const digits = addNumbered(graph, at, bytes.length === 1);
    graph.spell(digits, hexOf(byte), next);
    graph.spell(graph.escaped(at), Buffer.from(byte.toString(8).padStart(3, '0')), next);
    at = next;
  }
}

/** What stands before the two digits of a byte: `%`, `%25` (encoded twice), `\x`, and `\u00` for one of ASCII. */
function addNumbered(graph: ByteGraph, from: number, isAscii: boolean): number {
  const digits = graph.node();
  graph.spell(from, [0x25], digits);
  graph.spell(from, [0x25, 0x32, 0x35], digits);
  graph.spell(graph.escaped(from), [0x78], digits);
  if (isAscii) graph.spell(graph.escaped(from), [0x75, 0x30, 0x30], digits);
  return digits;
}

/** `\u00e9`; beyond 16 bits two of them. */
function addUnicodeEscape(graph: ByteGraph, from: number, character: string, to: number): void {
  const units = character.split('');
  let at = from;
  for (const [index, unit] of units.entries()) {
    const next = index === units.length - 1 ? to : graph.node();
    const code = unit.charCodeAt(0);
    graph.spell(graph.escaped(at), [0x75, ...hexOf(code >> 8), ...hexOf(code & 0xff)], next);
    at = next;
  }
}

const shortEscapes: Readonly<Record<string, string>> = {
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
  '"': '"',
  '/': '/',
  "'": "'",
  '\\': '\\',
};

const named: Readonly<Record<string, readonly string[]>> = {
  '&': ['&amp;'],
  '<': ['&lt;'],
  '>': ['&gt;'],
  '"': ['&quot;'],
  "'": ['&apos;', "'\\''"],
};

function numeric(character: string): string[] {
  if (/[A-Za-z0-9]/.test(character)) return [];
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  return [`&#${code};`, `&#0${code};`, `&#x${hex};`, `&#x${hex.toUpperCase()};`];
}

function addHex(graph: ByteGraph, bytes: Buffer): void {
  const digits = [...bytes].flatMap(hexOf);
  addChain(graph, digits, [[0x20], [0x3a], [0x2d], [0x2c]]);
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Every character of base64 that tells something of the secret, whatever stands before and after it. */
function addBase64(graph: ByteGraph, secret: Buffer, shift: number): void {
  const known = [...secret].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const bits = '?'.repeat((shift * 8) % 6) + known;
  const choices: ByteChoice[] = [];
  for (let at = 0; at < bits.length; at += 6) {
    const pattern = new RegExp(
      `^${bits
        .slice(at, at + 6)
        .padEnd(6, '?')
        .replaceAll('?', '.')}$`,
    );
    const fitting = [...alphabet].filter((_, value) => pattern.test(value.toString(2).padStart(6, '0')));
    choices.push(fitting.flatMap(spellingsOfDigit));
  }
  addChain(graph, choices, []);
}

function spellingsOfDigit(digit: string): number[] {
  const url = { '+': '-', '/': '_' }[digit];
  return [...digit, ...(url ?? '')].map((character) => character.charCodeAt(0));
}

function addChain(
  graph: ByteGraph,
  choices: readonly ByteChoice[],
  separators: readonly (readonly number[])[],
): void {
  let from = beginning(graph, choices[0] ?? []);
  for (const [index, choice] of choices.entries()) {
    const to = graph.node();
    for (const node of from) {
      graph.spell(node, [choice], to);
      addEscapedDigits(graph, node, choice, to);
    }
    if (index === choices.length - 1) {
      graph.ends.add(to);
      return;
    }
    const apart = graph.node();
    for (const separator of separators) graph.spell(to, separator, apart);
    from = [to, apart, addLineBreak(graph, to, apart)];
  }
}

const [tab, newLine, carriageReturn, backslash] = [0x09, 0x0a, 0x0d, 0x5c];
const [letterN, letterR] = [0x6e, 0x72];
/** Before a line that is quoted, added or indented. */
const lineMark = [tab, 0x20, 0x2b, 0x2d, 0x3e];
const mostMarks = 4;

/**
 * What an encoder puts between its digits: a line break, as it is or escaped once or twice, and the marks of the
 * next line. Returns the node behind the break; `to` is that behind the marks.
 */
function addLineBreak(graph: ByteGraph, from: number, to: number): number {
  const broken = graph.node();
  graph.spell(from, [newLine], broken);
  graph.spell(from, [carriageReturn, newLine], broken);
  const returned = graph.node();
  for (const [at, letter, next] of [
    [from, letterN, broken],
    [from, letterR, returned],
    [returned, letterN, broken],
  ] as const) {
    graph.spell(at, [backslash, letter], next);
    graph.spell(at, [backslash, backslash, letter], next);
  }
  let marked = broken;
  for (let count = 1; count <= mostMarks; count += 1) {
    graph.spell(marked, [lineMark], to);
    const next = graph.node();
    if (count < mostMarks) graph.spell(marked, [lineMark], next);
    marked = next;
  }
  return broken;
}

/** `+`, `/` as URLs and JSON write them. */
function addEscapedDigits(graph: ByteGraph, from: number, choice: ByteChoice, to: number): void {
  for (const byte of typeof choice === 'number' ? [choice] : choice) {
    if (byte !== 0x2b && byte !== 0x2f) continue;
    graph.spell(addNumbered(graph, from, true), hexOf(byte), to);
    if (byte === 0x2f) graph.spell(graph.escaped(from), [byte], to);
  }
}

/**
 * Where a spelling begins. `\n` followed by a secret's end looks like a secret that begins with `n`: the
 * backslash is hidden as well, or JSON would be none afterwards.
 */
function beginning(graph: ByteGraph, first: string | ByteChoice): number[] {
  const letters = typeof first === 'string' ? first.slice(0, 1) : String.fromCharCode(...[first].flat());
  const begin = [graph.start];
  if (/[bfnrtu]/.test(letters)) begin.push(graph.escaped(graph.start));
  if (/[0-9a-fA-F]/.test(letters)) begin.push(...cutUnicodeEscapes(graph));
  return begin;
}

/** `\u` and up to three of its four digits. */
function cutUnicodeEscapes(graph: ByteGraph): number[] {
  const nodes = [graph.node()];
  graph.spell(graph.escaped(graph.start), [0x75], nodes[0] as number);
  for (let digits = 1; digits <= 3; digits += 1) {
    const next = graph.node();
    graph.spell(nodes.at(-1) as number, [Buffer.from('0123456789abcdefABCDEF').toJSON().data], next);
    nodes.push(next);
  }
  return nodes;
}

/** The two digits of a byte, in either case. */
function hexOf(byte: number): ByteChoice[] {
  return [...byte.toString(16).padStart(2, '0')].map((digit) => [
    ...new Set([digit.charCodeAt(0), digit.toUpperCase().charCodeAt(0)]),
  ]);
}
