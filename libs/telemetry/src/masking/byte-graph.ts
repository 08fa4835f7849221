/** More than JSON inside JSON inside JSON has. */
const mostBackslashes = 8;
const backslash = 0x5c;

/**
 * Texts to look for, as a graph over bytes: every path from `start` to one of the ends spells one of them.
 * It has no circles, so that every spelling has a greatest length.
 */
export class ByteGraph {
  readonly start = 0;
  readonly ends = new Set<number>();
  /** By node: byte, target, byte, target, … */
  private readonly outgoing: number[][] = [[]];
  private readonly behindBackslashes = new Map<number, number>();

  node(): number {
    return this.outgoing.push([]) - 1;
  }

  /** Adds a way of spelling between two nodes; a byte that is a list stands for any of these. */
  spell(from: number, bytes: Iterable<ByteChoice>, to: number): void {
    const choices = [...bytes];
    let at = from;
    for (const [index, choice] of choices.entries()) {
      const next = index === choices.length - 1 ? to : this.node();
      for (const byte of typeof choice === 'number' ? [choice] : choice) this.outgoing[at]?.push(byte, next);
      at = next;
    }
  }

  /** The node behind one or more backslashes: an escape is escaped again where JSON stands in JSON. */
  escaped(from: number): number {
    const known = this.behindBackslashes.get(from);
    if (known !== undefined) return known;
    const behind = this.node();
    this.behindBackslashes.set(from, behind);
    let at = from;
    for (let count = 1; count <= mostBackslashes; count += 1) {
      this.spell(at, [backslash], behind);
      const next = this.node();
      this.spell(at, [backslash], next);
      at = next;
    }
    return behind;
  }

  /** By node: byte, target, byte, target, … */
  get edges(): readonly (readonly number[])[] {
    return this.outgoing;
  }

  /** By two bytes, the first as the higher eight bits: 1 where they stand beside each other in a spelling. */
  pairs(): Uint8Array {
    const pairs = new Uint8Array(1 << 16);
    for (const edges of this.outgoing) {
      for (let i = 0; i < edges.length; i += 2) {
        const next = this.outgoing[edges[i + 1] as number] ?? [];
        for (let j = 0; j < next.length; j += 2) pairs[((edges[i] as number) << 8) | (next[j] as number)] = 1;
      }
    }
    return pairs;
  }

  /** Length of the shortest spelling. */
  shortest(): number {
    let nodes = new Set([this.start]);
    for (let length = 0; ; length += 1) {
      if (nodes.size === 0 || [...nodes].some((node) => this.ends.has(node))) return length;
      const targets = [...nodes].flatMap(
        (node) => this.edges[node]?.filter((_, index) => index % 2 === 1) ?? [],
      );
      nodes = new Set(targets);
    }
  }

  /** The same with every edge turned around. */
  reversed(): readonly (readonly number[])[] {
    const incoming: number[][] = this.outgoing.map(() => []);
    for (const [from, edges] of this.outgoing.entries()) {
      for (let i = 0; i < edges.length; i += 2)
        incoming[edges[i + 1] as number]?.push(edges[i] as number, from);
    }
    return incoming;
  }
}

export type ByteChoice = number | readonly number[];
