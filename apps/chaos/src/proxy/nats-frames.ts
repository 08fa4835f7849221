/** One operation of the NATS protocol, with the bytes that it came in. */
export interface NatsFrame {
  readonly bytes: Buffer;
  /** PUB, HPUB, MSG, HMSG, PING, … in upper case. */
  readonly verb: string;
  /** The words after the verb: subject, and so on. Empty for verbs without a payload. */
  readonly words: readonly string[];
  /** Headers left out. */
  readonly payload: Buffer;
}

const crlf = Buffer.from('\r\n');
const none = Buffer.alloc(0);
/** Verbs with a payload; those with H count headers and payload together, and the headers before it. */
const carrying = new Set(['PUB', 'MSG', 'HPUB', 'HMSG']);

/** Cuts a stream of bytes, of either direction, into operations. */
export class NatsFrameReader {
  private rest: Buffer = none;

  /** The operations that are complete now. */
  read(chunk: Buffer): NatsFrame[] {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const frames: NatsFrame[] = [];
    for (let frame = this.take(); frame; frame = this.take()) frames.push(frame);
    return frames;
  }

  private take(): NatsFrame | undefined {
    const lineEnd = this.rest.indexOf(crlf);
    if (lineEnd < 0) return undefined;
    const [verb = '', ...words] = this.rest.toString('latin1', 0, lineEnd).split(/[ \t]+/);
    const upper = verb.toUpperCase();
    if (!carrying.has(upper)) return this.cut(lineEnd + 2, upper, [], none);
    const total = Number(words.at(-1));
    const start = lineEnd + 2;
    const end = start + total + 2;
    if (this.rest.length < end) return undefined;
    const headers = upper.startsWith('H') ? Number(words.at(-2)) : 0;
    return this.cut(end, upper, words, this.rest.subarray(start + headers, end - 2));
  }

  private cut(length: number, verb: string, words: readonly string[], payload: Buffer): NatsFrame {
    const bytes = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return { bytes, verb, words, payload };
  }
}
