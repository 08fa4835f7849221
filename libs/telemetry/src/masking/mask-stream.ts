import type { MatchFinder, SearchState, Span } from './match-finder.js';
import { addSpan, replacement } from './spans.js';

const mark = Buffer.from(replacement);

/**
 * Hides secrets in bytes that come in pieces, wherever they are cut: what comes out is the same as for the
 * whole. Only what may be the beginning of a secret waits for the next piece.
 */
export class MaskStream {
  private held: Buffer = Buffer.alloc(0);
  private spans: Span[] = [];
  /** Up to here, what is held is hidden already. */
  private hiddenTo = 0;
  private state: SearchState;

  /** @param finder absent where there is nothing to hide */
  constructor(private readonly finder: MatchFinder | undefined) {
    this.state = finder?.initial ?? [];
  }

  /** Takes the next bytes, gives those that are certain. */
  write(chunk: Uint8Array): Buffer {
    if (!this.finder) return Buffer.from(chunk);
    const searched = this.held.length;
    this.held = Buffer.concat([this.held, chunk]);
    this.state = this.finder.search(this.held, searched, this.state, (span) => addSpan(this.spans, span));
    return this.release(this.finder.pendingFrom(this.held, this.state));
  }

  /** Gives the rest: there are no more bytes. */
  flush(): Buffer {
    const rest = this.release(this.held.length);
    this.state = this.finder?.initial ?? [];
    return rest;
  }

  private release(end: number): Buffer {
    const parts: Buffer[] = [];
    let from = Math.min(this.hiddenTo, end);
    const later: Span[] = [];
    for (const span of this.spans) {
      if (span.start >= end) {
        later.push(span);
        continue;
      }
      // What overlaps something that was hidden before belongs to the same mark.
      if (span.start >= this.hiddenTo) parts.push(this.held.subarray(from, span.start), mark);
      this.hiddenTo = Math.max(this.hiddenTo, span.end);
      from = Math.min(this.hiddenTo, end);
    }
    parts.push(this.held.subarray(from, end));
    this.held = Buffer.from(this.held.subarray(end));
    this.spans = later.map((span) => ({ start: span.start - end, end: span.end - end }));
    this.hiddenTo = Math.max(0, this.hiddenTo - end);
    return Buffer.concat(parts);
  }
}
