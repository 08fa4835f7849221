/** A line without an end is passed on in pieces of this size, all but the last part of it. */
const longestLine = 64 * 1024;
/** Longer than any secret, so that none is cut where a long line is. */
const overlap = 4 * 1024;

/** Collects text that comes in chunks and passes it on line by line: half a token has not its form. */
export class WholeLines {
  private rest = '';

  constructor(private readonly pass: (text: string) => void) {}

  add(chunk: string): void {
    this.rest += chunk;
    const end = this.rest.lastIndexOf('\n') + 1;
    if (end > 0) this.take(end);
    else if (this.rest.length > longestLine) this.take(this.rest.length - overlap);
  }

  /** Passes on what has no line end. */
  end(): void {
    this.take(this.rest.length);
  }

  private take(length: number): void {
    const text = this.rest.slice(0, length);
    this.rest = this.rest.slice(length);
    if (text !== '') this.pass(text);
  }
}
