import { ByteGraph } from './byte-graph.js';
import { MatchFinder, type Span } from './match-finder.js';
import { tokenRules, type TokenRule } from './token-rules.js';

/** A text that has the form of a token. */
export interface Token extends Span {
  readonly kind: string;
  readonly text: string;
  /** Too common in honest code to refuse a change for. */
  readonly vague: boolean;
}

const mostLength = 600;
const wordCharacter = /\w/;
/** The bit in which lower-case letters differ. */
const upperToLower = 0x20;
const anything = '?'.charCodeAt(0);
/** Between the beginning of a name and what is assigned to it. */
const longestName = 60;
const inName = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[\w\s'"\\-]/.test(String.fromCharCode(byte)) ? 1 : 0,
);
const anyCharacter = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-'];
/** Made to be read: documentation shows tokens whose letters repeat or that say what they are. */
const placeholder = /example|placeholder|redacted|masked|your[_-]|([\w*])\1{9}/i;
/** Header and body of the token that jwt.io shows. */
const shownEverywhere =
  /^eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lI/;

interface Beginning {
  readonly letters: string;
  readonly rule: TokenRule;
}
const beginnings: readonly Beginning[] = tokenRules.flatMap((rule) =>
  rule.begins.map((letters) => ({ letters, rule })),
);
const byFirstLetter = Map.groupBy(beginnings, ({ letters }) => letters.charCodeAt(0));
const finder = finderOfBeginnings();

/** Every token in a text, in the order of their places. They are ASCII, whatever is around them. */
export function findTokens(bytes: Buffer): Token[] {
  const tokens: Token[] = [];
  let from = 0;
  finder.search(bytes, 0, finder.initial, ({ start, end }) => {
    if (start < from) return;
    for (const { letters, rule } of byFirstLetter.get((bytes[start] as number) | upperToLower) ?? []) {
      if (letters.length !== end - start || !beginsAt(letters, bytes, start)) continue;
      const text = matchAt(rule, bytes, start, end);
      if (text === undefined) continue;
      from = start + text.length;
      tokens.push({ start, end: from, kind: rule.kind, text, vague: rule.vague ?? false });
      return;
    }
  });
  return tokens;
}

function beginsAt(letters: string, bytes: Buffer, start: number): boolean {
  for (let i = 1; i < letters.length; i += 1) {
    const [wanted, byte] = [letters.charCodeAt(i), bytes[start + i] as number];
    if (wanted !== byte && wanted !== (byte | upperToLower) && wanted !== anything) return false;
  }
  return true;
}

function matchAt(rule: TokenRule, bytes: Buffer, start: number, end: number): string | undefined {
  const { form, atMost = mostLength, notBehind = wordCharacter, anywhere, assigned } = rule;
  if (assigned && !isAssigned(bytes, end)) return undefined;
  if (!anywhere && start > 0 && notBehind.test(bytes.toString('latin1', start - 1, start))) return undefined;
  form.lastIndex = 0;
  const text = form.exec(bytes.toString('latin1', start, start + atMost))?.[0];
  return text === undefined || placeholder.test(text) || shownEverywhere.test(text) ? undefined : text;
}

/** Looked at before the form, since words like "token" stand everywhere. */
function isAssigned(bytes: Buffer, end: number): boolean {
  const last = Math.min(bytes.length, end + longestName);
  for (let i = end; i < last; i += 1) {
    const byte = bytes[i] as number;
    if (byte === 0x3a || byte === 0x3d) return true;
    if (!inName[byte]) return false;
  }
  return false;
}

function finderOfBeginnings(): MatchFinder {
  const graph = new ByteGraph();
  for (const letters of new Set(beginnings.map(({ letters }) => letters))) {
    const end = graph.node();
    const bytes = [...letters].map((letter) => {
      const spelled = letter === '?' ? anyCharacter : [...new Set([letter, letter.toUpperCase()])];
      return spelled.map((character) => character.charCodeAt(0));
    });
    graph.spell(graph.start, bytes, end);
    graph.ends.add(end);
  }
  return new MatchFinder(graph);
}
