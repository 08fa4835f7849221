/** More than JSON inside JSON inside JSON has. */
const mostBackslashes = 8;
const backslash = 0x5c;

/** By node, all edges that begin there: those from `first[node]` up to `first[node + 1]`. */
export interface Edges {
  readonly first: Int32Array;
  readonly bytes: Uint8Array;
  readonly targets: Int32Array;
}

export type ByteChoice = number | readonly number[];

/**
 * Texts to look for, as a graph over bytes: every path from `start` to one of the ends spells one of them.
 * It has no circles, so that every spelling has a greatest length.
 */
export class ByteGraph {
  readonly start = 0;
  readonly ends = new Set<number>();
  private nodes = 1;
  private readonly from: number[] = [];
  private readonly bytes: number[] = [];
  private readonly to: number[] = [];
  private readonly behindBackslashes = new Map<number, number>();

  node(): number {
    return this.nodes++;
  }

  /** Adds a way of spelling between two nodes; a byte that is a list stands for any of these. */
  spell(from: number, bytes: Iterable<ByteChoice>, to: number): void {
    const choices = [...bytes];
    let at = from;
    for (const [index, choice] of choices.entries()) {
      const next = index === choices.length - 1 ? to : this.node();
      for (const byte of typeof choice === 'number' ? [choice] : choice) {
        this.from.push(at);
        this.bytes.push(byte);
        this.to.push(next);
      }
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
    for (let count = 1; count < mostBackslashes; count += 1) {
      const next = this.node();
      this.spell(at, [backslash], behind);
      this.spell(at, [backslash], next);
      at = next;
    }
    this.spell(at, [backslash], behind);
    return behind;
  }

  edges(): Edges {
    return this.sorted(this.from, this.to);
  }

  /** The same with every edge turned around. */
  reversed(): Edges {
    return this.sorted(this.to, this.from);
  }

  private sorted(from: readonly number[], to: readonly number[]): Edges {
    const first = new Int32Array(this.nodes + 1);
    for (const node of from) first[node + 1] = (first[node + 1] as number) + 1;
    for (let node = 1; node <= this.nodes; node += 1) {
      first[node] = (first[node] as number) + (first[node - 1] as number);
    }
    const place = first.slice();
    const bytes = new Uint8Array(from.length);
    const targets = new Int32Array(from.length);
    for (const [edge, node] of from.entries()) {
      const at = place[node] as number;
      place[node] = at + 1;
      bytes[at] = this.bytes[edge] as number;
      targets[at] = to[edge] as number;
    }
    return { first, bytes, targets };
  }
}
