/** Beyond this the middle of a run's log is left out; its beginning and its end tell most. */
const keptBytes = 4 * 1024 * 1024;

/** The lines that a run leaves behind, kept in memory until they are uploaded. */
export class RunLog {
  private readonly head: string[] = [];
  private tail: string[] = [];
  private headBytes = 0;
  private tailBytes = 0;
  private dropped = 0;

  add(line: string): void {
    if (this.headBytes < keptBytes / 2) {
      this.head.push(line);
      this.headBytes += line.length;
      return;
    }
    this.tail.push(line);
    this.tailBytes += line.length;
    while (this.tailBytes > keptBytes / 2) {
      this.tailBytes -= this.tail.shift()?.length ?? 0;
      this.dropped += 1;
    }
  }

  get text(): string {
    const gap =
      this.dropped > 0 ? [`${JSON.stringify({ msg: 'lines left out', count: this.dropped })}\n`] : [];
    return [...this.head, ...gap, ...this.tail].join('');
  }
}
