/**
 * Keeps the head and the tail of a stream within a number of bytes: the first half is kept as it
 * comes, the second half is always the latest.
 */
export class OutputCapture {
  private readonly head: Buffer[] = [];
  private tail: Buffer[] = [];
  private headBytes = 0;
  private tailBytes = 0;
  private total = 0;

  constructor(private readonly limitBytes: number) {}

  write(chunk: Buffer): void {
    this.total += chunk.length;
    const room = Math.ceil(this.limitBytes / 2) - this.headBytes;
    const forHead = chunk.subarray(0, Math.max(0, room));
    if (forHead.length > 0) this.head.push(forHead);
    this.headBytes += forHead.length;
    const rest = chunk.subarray(forHead.length);
    if (rest.length > 0) this.writeTail(rest);
  }

  get omittedBytes(): number {
    return Math.max(0, this.total - this.headBytes - this.keptTail().length);
  }

  /** The text, with a line that says how much is missing where something is. */
  text(): string {
    const head = Buffer.concat(this.head);
    const tail = this.keptTail();
    const omitted = this.omittedBytes;
    if (omitted === 0) return Buffer.concat([head, tail]).toString('utf8');
    const start = trimEnd(head).toString('utf8');
    return `${start}\n[… ${omitted} bytes of output left out …]\n${trimStart(tail).toString('utf8')}`;
  }

  private writeTail(chunk: Buffer): void {
    this.tail.push(chunk);
    this.tailBytes += chunk.length;
    // Joined only now and then, so that many small chunks stay cheap.
    if (this.tailBytes > this.limitBytes * 2 || this.tail.length > 1_024) {
      // A copy: a slice would keep the whole chunk in memory.
      this.tail = [Buffer.from(this.keptTail())];
      this.tailBytes = this.tail[0]?.length ?? 0;
    }
  }

  private keptTail(): Buffer {
    const size = Math.floor(this.limitBytes / 2);
    const joined = Buffer.concat(this.tail);
    return joined.subarray(Math.max(0, joined.length - size));
  }
}

/** Without a character at the end that was cut in two. */
function trimEnd(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes.length - end < 3 && isContinuation(bytes[end - 1])) end -= 1;
  const lead = bytes[end - 1] ?? 0;
  const expected = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  return expected > bytes.length - end + 1 ? bytes.subarray(0, end - 1) : bytes;
}

/** Without the rest of a character that was cut in two. */
function trimStart(bytes: Buffer): Buffer {
  let start = 0;
  while (start < 3 && isContinuation(bytes[start])) start += 1;
  return bytes.subarray(start);
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
