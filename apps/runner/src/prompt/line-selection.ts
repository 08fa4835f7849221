/** How tokens are estimated, the other way round. */
export const charactersPerToken = 4;

/** Characters for the mark of a gap. */
const gapCost = 36;

/** Lines of a text within a number of characters. They keep their order; every gap is marked with its size. */
export class LineSelection {
  used = gapCost;
  private readonly taken = new Set<number>();

  constructor(
    readonly lines: readonly string[],
    private readonly room: number,
  ) {}

  get leftOut(): number {
    return this.lines.length - this.taken.size;
  }

  /** Whether the line is part of the selection now; `limit` in characters of the whole selection. */
  take(index: number, limit: number): boolean {
    if (this.taken.has(index)) return true;
    const line = this.lines[index];
    if (line === undefined) return false;
    const alone = !this.taken.has(index - 1) && !this.taken.has(index + 1);
    const cost = line.length + 1 + (alone ? gapCost : 0);
    if (this.used + cost > Math.min(limit, this.room)) return false;
    this.used += cost;
    this.taken.add(index);
    return true;
  }

  /** From `from` on, until one does not fit. */
  takeRange(from: number, to: number, limit: number): void {
    const end = Math.min(to, this.lines.length);
    for (let index = Math.max(0, from); index < end; index += 1) if (!this.take(index, limit)) return;
  }

  /** Those that fit, in their order. */
  takeEach(indices: Iterable<number>, limit: number): number[] {
    const taken: number[] = [];
    for (const index of indices) {
      if (this.used >= limit) break;
      if (this.take(index, limit)) taken.push(index);
    }
    return taken;
  }

  /** Characters of the lines from `from` up to, not including, `to`; counted no further than `most`. */
  costOf(from: number, to: number, most: number): number {
    let cost = 2 * gapCost;
    for (let index = from; index < to && cost <= most; index += 1)
      cost += (this.lines[index]?.length ?? 0) + 1;
    return cost;
  }

  render(): string {
    const parts: string[] = [];
    let next = 0;
    for (const index of [...this.taken].sort((a, b) => a - b)) {
      if (index > next) parts.push(gap(index - next));
      parts.push(this.lines[index] ?? '');
      next = index + 1;
    }
    if (next < this.lines.length) parts.push(gap(this.lines.length - next));
    return parts.join('\n');
  }
}

function gap(lines: number): string {
  return lines === 1 ? '[… 1 line left out …]' : `[… ${lines} lines left out …]`;
}
