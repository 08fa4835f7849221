import { ByteAutomaton } from './byte-automaton.js';
import type { ByteGraph, Edges } from './byte-graph.js';
import { pairsIn, shortestSpelling } from './byte-pairs.js';

/** A part of a text, `end` not included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Finds every place of a text where a graph spells something, also when the text comes in pieces. */
export class MatchFinder {
  private readonly forward: ByteAutomaton;
  private readonly backward: ByteAutomaton;
  private readonly reversed: Edges;
  /** 1 for every two bytes that stand beside each other in a spelling. */
  private readonly pairs: Uint8Array;
  private readonly stride: number;
  /** The state in which `follow` stopped. */
  private reached: number;

  constructor(private readonly graph: ByteGraph) {
    const { start, ends } = graph;
    const edges = graph.edges();
    this.reversed = graph.reversed();
    this.forward = new ByteAutomaton(edges, [start], ends, true);
    this.reached = this.forward.initial;
    this.pairs = pairsIn(edges);
    this.stride = Math.max(1, shortestSpelling(edges, start, ends) - 1);
    this.backward = new ByteAutomaton(this.reversed, [...ends], new Set([start]), false);
  }

  /** Where a search begins. */
  get initial(): SearchState {
    return [this.graph.start];
  }

  /**
   * Most of a text is never looked at: where two bytes beside each other stand so in no spelling, no match goes
   * over them, so that of a stretch as long as the shortest spelling one pair is enough.
   *
   * @param bytes all that may belong to a match: from the earliest of `pendingFrom` on
   * @param from what of them is new
   * @param state what the search before ended with
   * @param found is told each match, in the order of their ends; of those with the same end the longest
   */
  search(bytes: Uint8Array, from: number, state: SearchState, found: (span: Span) => void): SearchState {
    const { pairs, forward, stride } = this;
    const last = bytes.length - 1;
    this.reached = forward.enter(state);
    let next = this.reached === forward.initial ? from : this.follow(bytes, from, found);
    while (next <= last) {
      let probe = next + stride - 1;
      while (probe < last && pairs[((bytes[probe] as number) << 8) | (bytes[probe + 1] as number)] === 0) {
        probe += stride;
      }
      // Nothing begins before it.
      next = probe - stride + 1;
      if (probe < last) {
        let begin = probe;
        while (begin > next && pairs[((bytes[begin - 1] as number) << 8) | (bytes[begin] as number)] === 1) {
          begin -= 1;
        }
        next = begin;
      }
      next = this.follow(bytes, next, found);
    }
    return forward.nodesOf(this.reached);
  }

  /** Goes on byte by byte until nothing is begun any more; returns where that is. */
  private follow(bytes: Uint8Array, from: number, found: (span: Span) => void): number {
    const { forward } = this;
    let { table } = forward;
    let at = this.reached;
    for (let i = from; i < bytes.length; i += 1) {
      let next = table[(at << 8) | (bytes[i] as number)] as number;
      if (next <= 0) {
        if (next === 0) {
          next = forward.step(at, bytes[i] as number);
          ({ table } = forward);
        }
        if (next < 0) {
          next = -next;
          found({ start: this.startOf(bytes, i + 1), end: i + 1 });
        }
      }
      at = next;
      if (at === forward.initial) {
        this.reached = at;
        return i + 1;
      }
    }
    this.reached = at;
    return bytes.length;
  }

  /** Whether anything is spelled in these bytes. */
  finds(bytes: Uint8Array): boolean {
    let found = false;
    this.search(bytes, 0, this.initial, () => (found = true));
    return found;
  }

  /** Where the longest of what is begun at the end of the bytes began; their length where nothing is. */
  pendingFrom(bytes: Uint8Array, state: SearchState): number {
    const { start, ends } = this.graph;
    const { first, bytes: edgeBytes, targets } = this.reversed;
    let earliest = bytes.length;
    let nodes = new Set([...state].filter((node) => node !== start && !ends.has(node)));
    for (let i = bytes.length - 1; i >= 0 && nodes.size > 0; i -= 1) {
      const before = new Set<number>();
      for (const node of nodes) {
        for (let edge = first[node] as number; edge < (first[node + 1] as number); edge += 1) {
          if (edgeBytes[edge] === bytes[i]) before.add(targets[edge] as number);
        }
      }
      if (before.has(start)) earliest = i;
      nodes = before;
    }
    return earliest;
  }

  private startOf(bytes: Uint8Array, end: number): number {
    const { backward } = this;
    let start = end;
    let at: number = backward.initial;
    for (let i = end - 1; i >= 0; i -= 1) {
      at = backward.table[(at << 8) | (bytes[i] as number)] || backward.step(at, bytes[i] as number);
      if (at < 0) {
        at = -at;
        start = i;
      }
      if (at === backward.dead) break;
    }
    return start;
  }
}

/** Nodes of the graph that the text so far leads to. */
export type SearchState = Iterable<number>;
