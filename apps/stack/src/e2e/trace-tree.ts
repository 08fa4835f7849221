import type { ReceivedSpan } from '@necrocode/telemetry';
import { inTreeOrder, shortName } from '../waterfall.js';

const client = 3;

/**
 * A trace as lines, one for each span, indented under its parent: name, service unless it is the runner,
 * `!` and the error of a span that failed. What follows its like without a difference is left out, since how
 * often a call is repeated and how many artifacts there are is not the trace's story.
 */
export function treeOf(spans: readonly ReceivedSpan[]): string {
  const lines: string[] = [];
  const last: string[] = [];
  const ordered = inTreeOrder(spans);
  for (let at = 0; at < ordered.length; at += 1) {
    const { depth } = ordered[at] as (typeof ordered)[number];
    const subtree = [at];
    for (let below = at + 1; (ordered[below]?.depth ?? -1) > depth; below += 1) subtree.push(below);
    const text = subtree.map((index) => lineOf(ordered[index] as (typeof ordered)[number])).join('\n');
    last.length = depth + 1;
    if (last[depth] === text) {
      at += subtree.length - 1;
      continue;
    }
    last[depth] = text;
    lines.push(lineOf(ordered[at] as (typeof ordered)[number]));
  }
  return lines.join('\n');
}

/** Every call of the runner has come to its service, whose span comes in a batch of its own. */
export function isComplete(spans: readonly ReceivedSpan[]): boolean {
  const parents = new Set(spans.map(({ parentSpanId }) => parentSpanId));
  return spans
    .filter(({ name, kind, failed }) => name.startsWith('grpc.') && kind === client && !failed)
    .every(({ spanId }) => parents.has(spanId));
}

function lineOf({ span, depth }: { readonly span: ReceivedSpan; readonly depth: number }): string {
  const service = span.service === 'runner' ? '' : ` @${span.service}`;
  const error = span.failed ? ` !${String(span.attributes['error.type'])}` : '';
  return `${'  '.repeat(depth)}${shortName(span.name)}${service}${error}`;
}
