import type { Span } from './match-finder.js';

/** What stands in the place of what is hidden. */
export const replacement = '[masked]';
const replacementBytes = Buffer.from(replacement);

/** Adds a span to those before, in the order of their places; what overlaps becomes one. */
export function addSpan(spans: Span[], added: Span): void {
  if ((spans.at(-1)?.end ?? 0) <= added.start) {
    spans.push(added);
    return;
  }
  let { start, end } = added;
  let at = spans.length;
  while (at > 0 && (spans[at - 1] as Span).end > start) {
    const before = spans[at - 1] as Span;
    if (before.start < end) {
      start = Math.min(start, before.start);
      end = Math.max(end, before.end);
      spans.splice(at - 1, 1);
    }
    at -= 1;
  }
  spans.splice(at, 0, { start, end });
}

/** The bytes without the spans, each of which becomes one mark. */
export function hideSpans(bytes: Buffer, spans: readonly Span[]): Buffer {
  const hidden = spans.reduce((sum, { start, end }) => sum + end - start, 0);
  const shown = Buffer.allocUnsafe(bytes.length - hidden + spans.length * replacementBytes.length);
  let from = 0;
  let at = 0;
  for (const { start, end } of spans) {
    at += bytes.copy(shown, at, from, start);
    at += replacementBytes.copy(shown, at);
    from = end;
  }
  bytes.copy(shown, at, from);
  return shown;
}
