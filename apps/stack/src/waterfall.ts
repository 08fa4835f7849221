import type { ReceivedSpan } from '@necrocode/telemetry';

const barWidth = 40;
const nameWidth = 46;

/** A trace as a waterfall: the tree of spans on the left, their place in time on the right. */
export function drawWaterfall(spans: readonly ReceivedSpan[]): string {
  if (spans.length === 0) return '(no spans were received)';
  const start = Math.min(...spans.map((span) => span.startMs));
  const end = Math.max(...spans.map((span) => span.endMs));
  const scale = barWidth / Math.max(end - start, 1);
  return inTreeOrder(spans)
    .map(({ span, depth }) => {
      const label = `${'  '.repeat(depth)}${span.failed ? '✗ ' : ''}${shortName(span.name)}`
        .slice(0, nameWidth)
        .padEnd(nameWidth);
      const offset = Math.min(Math.floor((span.startMs - start) * scale), barWidth - 1);
      const length = Math.max(
        1,
        Math.min(Math.round((span.endMs - span.startMs) * scale), barWidth - offset),
      );
      const bar = `${' '.repeat(offset)}${'█'.repeat(length)}`.padEnd(barWidth);
      const duration = `${(span.endMs - span.startMs).toFixed(1)} ms`.padStart(12);
      return `  ${label} ${span.service.padEnd(20)} ${bar} ${duration}`;
    })
    .join('\n');
}

/** Parents before their children, siblings in the order of their start; a span without a known parent is a root. */
export function inTreeOrder(spans: readonly ReceivedSpan[]): { span: ReceivedSpan; depth: number }[] {
  const known = new Set(spans.map((span) => span.spanId));
  const children = Map.groupBy(spans, (span) =>
    span.parentSpanId && known.has(span.parentSpanId) ? span.parentSpanId : '',
  );
  const visit = (parent: string, depth: number): { span: ReceivedSpan; depth: number }[] =>
    (children.get(parent) ?? [])
      .toSorted((a, b) => a.startMs - b.startMs)
      .flatMap((span) => [{ span, depth }, ...visit(span.spanId, depth + 1)]);
  return visit('', 0);
}

/** `grpc.necrocode.repo_pool.v1.RepoPoolService/Allocate` says nothing more than `RepoPool/Allocate`. */
export function shortName(name: string): string {
  return name.replace(/^grpc\..*\.(\w+?)(Service)?\/(\w+)$/, '$1/$3');
}
