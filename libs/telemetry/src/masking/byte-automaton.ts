import type { Edges } from './byte-graph.js';

/** Above this the states are thrown away and made anew as they are met, so that hostile text costs no memory. */
const mostStates = 4_096;
const firstStates = 64;

/**
 * Follows all paths of a graph at once, one table look-up a byte. States (sets of nodes) are made when a text
 * first leads to them. A state below zero is `-state`, and says that one of the ends was reached.
 */
export class ByteAutomaton {
  /** `table[(state << 8) | byte]` is the next state; 0 where `step` has to find it. */
  table: Int16Array;
  /** Nothing is begun: here for every text, and in an unanchored automaton the way back to it is never cut off. */
  readonly initial = 1;
  /** From here no path leads on; 0 until a text came to it. */
  dead = 0;
  private sets: Int32Array[] = [];
  private ids = new Map<string, number>();
  private readonly accepting: boolean[] = [];

  /**
   * @param begin nodes of the initial state
   * @param restart whether a path may begin anywhere, instead of at the first byte only
   */
  constructor(
    private readonly edges: Edges,
    private readonly begin: readonly number[],
    private readonly ends: ReadonlySet<number>,
    private readonly restart: boolean,
  ) {
    this.table = new Int16Array(firstStates << 8);
    this.reset();
  }

  /** Computes what the table does not have yet. The state that was passed may be of no use afterwards. */
  step(state: number, byte: number): number {
    const targets = new Set<number>(this.restart ? this.begin : []);
    const { first, bytes, targets: ends } = this.edges;
    for (const node of this.sets[state] ?? []) {
      for (let edge = first[node] as number; edge < (first[node + 1] as number); edge += 1) {
        if (bytes[edge] === byte) targets.add(ends[edge] as number);
      }
    }
    const nodes = Int32Array.from(targets).sort();
    if (this.sets.length >= mostStates) {
      this.reset();
      return this.stateOf(nodes);
    }
    const next = this.stateOf(nodes);
    this.table[(state << 8) | byte] = next;
    return next;
  }

  /** The state of these nodes, whose ends have been told before. */
  enter(nodes: Iterable<number>): number {
    if (this.sets.length >= mostStates) this.reset();
    return Math.abs(this.stateOf(Int32Array.from(nodes).sort()));
  }

  /** The nodes of a state. */
  nodesOf(state: number): Int32Array {
    return this.sets[state] ?? new Int32Array();
  }

  private stateOf(nodes: Int32Array): number {
    const key = nodes.join();
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.sets.push(nodes) - 1;
      this.ids.set(key, id);
      if (nodes.length === 0) this.dead = id;
      this.accepting[id] = nodes.some((node) => this.ends.has(node));
      if ((id + 1) << 8 > this.table.length) {
        const larger = new Int16Array(this.table.length * 2);
        larger.set(this.table);
        this.table = larger;
      }
    }
    return this.accepting[id] ? -id : id;
  }

  private reset(): void {
    this.sets = [new Int32Array()];
    this.ids = new Map();
    this.table.fill(0);
    this.dead = 0;
    this.stateOf(Int32Array.from(this.begin).sort());
  }
}
