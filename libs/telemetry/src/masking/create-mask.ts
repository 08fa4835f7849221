import { ByteGraph } from './byte-graph.js';
import { MaskStream } from './mask-stream.js';
import { MatchFinder, type Span } from './match-finder.js';
import { fragmentsOf, shortestSecret } from './secret-fragments.js';
import { addSpan, hideSpans } from './spans.js';
import { addSpellings } from './spellings.js';
import { findTokens } from './token-finder.js';

/** Replaces secrets in text: those of this process in every spelling, and whatever has the form of a token. */
export interface Mask {
  (text: string): string;
  /** The same for bytes of any kind; the bytes themselves where nothing is hidden. */
  bytes(content: Buffer): Buffer;
  /** The same for every text inside a document, the names of its fields included. */
  within<T>(document: T): T;
  /** Hides the secrets of this process, not tokens, in bytes that come in pieces. */
  stream(): MaskStream;
  /** Whether it holds a secret of this process. */
  holdsSecret(content: string | Buffer): boolean;
}

/**
 * @param secrets the values to hide; empty and too short ones are ignored (`tooShort` tells which are)
 */
export function createMask(secrets: readonly (string | undefined)[]): Mask {
  const known = secrets.filter((secret) => secret !== undefined).filter((secret) => !tooShort(secret));
  // Made when it is first needed: it takes a moment, and many processes only hold a mask for bad days.
  let made: { readonly finder: MatchFinder | undefined } | undefined;
  const finderNow = () => (made ??= { finder: finderOf(known) }).finder;

  function spansIn(content: Buffer): Span[] {
    const spans: Span[] = [];
    const finder = finderNow();
    finder?.search(content, 0, finder.initial, (span) => addSpan(spans, span));
    for (const token of findTokens(content)) addSpan(spans, token);
    return spans;
  }

  function bytes(content: Buffer): Buffer {
    const spans = spansIn(content);
    return spans.length === 0 ? content : hideSpans(content, spans);
  }

  function text(content: string): string {
    const before = Buffer.from(content);
    const after = bytes(before);
    return after === before ? content : after.toString();
  }

  function within(value: unknown): unknown {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(within);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [text(name), within(item)]));
  }

  return Object.assign(text, {
    bytes,
    within: within as <T>(document: T) => T,
    stream: () => new MaskStream(finderNow()),
    holdsSecret: (content: string | Buffer) => finderNow()?.finds(Buffer.from(content)) ?? false,
  });
}

/** Whether a value is no secret that can be hidden: hiding it would hide ordinary words. */
export function tooShort(secret: string): boolean {
  return secret.trim().length < shortestSecret;
}

function finderOf(secrets: readonly string[]): MatchFinder | undefined {
  const fragments = new Set(secrets.flatMap((secret) => fragmentsOf(secret.trim())));
  if (fragments.size === 0) return undefined;
  const graph = new ByteGraph();
  for (const fragment of fragments) addSpellings(graph, fragment);
  return new MatchFinder(graph);
}
