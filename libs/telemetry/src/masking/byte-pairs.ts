import type { Edges } from './byte-graph.js';

/** By two bytes, the first as the higher eight bits: 1 where they stand beside each other in a spelling. */
export function pairsIn({ first, bytes, targets }: Edges): Uint8Array {
  const pairs = new Uint8Array(1 << 16);
  for (const [edge, target] of targets.entries()) {
    const high = (bytes[edge] as number) << 8;
    for (let next = first[target] as number; next < (first[target + 1] as number); next += 1) {
      pairs[high | (bytes[next] as number)] = 1;
    }
  }
  return pairs;
}

/** Length of the shortest spelling from a node to one of the ends. */
export function shortestSpelling(
  { first, targets }: Edges,
  start: number,
  ends: ReadonlySet<number>,
): number {
  let nodes: ReadonlySet<number> = new Set([start]);
  for (let length = 0; ; length += 1) {
    const next = new Set<number>();
    for (const node of nodes) {
      if (ends.has(node)) return length;
      for (const target of targets.subarray(first[node], first[node + 1])) next.add(target);
    }
    if (next.size === 0) return length;
    nodes = next;
  }
}
