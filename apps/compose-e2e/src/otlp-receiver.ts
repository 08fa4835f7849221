import { createServer } from 'node:http';
import { startOtlpReceiver, type ReceivedSpan } from '@necrocode/telemetry';

/**
 * Stands in for Jaeger where its image cannot be had: takes spans over OTLP/HTTP as JSON on 4318, and answers
 * `GET /api/traces/<trace-id>` on 16686 in the form of Jaeger's query API. It keeps everything in memory and
 * draws nothing.
 */
const receiver = await startOtlpReceiver(undefined, { host: '0.0.0.0', port: 4318 });

const server = createServer((request, response) => {
  const traceId = /^\/api\/traces\/([0-9a-f]{32})$/.exec(request.url ?? '')?.[1];
  const spans = receiver.spans.filter((span) => span.traceId === traceId);
  const isKnown = request.url === '/' || spans.length > 0;
  response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({ stand_in: true, data: traceId && spans.length > 0 ? [traceOf(traceId, spans)] : [] }),
  );
});
server.listen(16_686);

process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  void receiver.close();
});

function traceOf(traceID: string, spans: readonly ReceivedSpan[]) {
  const services = [...new Set(spans.map(({ service }) => service))];
  return {
    traceID,
    spans: spans.map((span) => ({
      traceID,
      spanID: span.spanId,
      operationName: span.name,
      references:
        span.parentSpanId === undefined ? [] : [{ refType: 'CHILD_OF', traceID, spanID: span.parentSpanId }],
      startTime: Math.round(span.startMs * 1000),
      duration: Math.round((span.endMs - span.startMs) * 1000),
      processID: `p${services.indexOf(span.service)}`,
      tags: Object.entries(span.attributes).map(([key, value]) => ({
        key,
        type: 'string',
        value: String(value),
      })),
    })),
    processes: Object.fromEntries(services.map((serviceName, at) => [`p${at}`, { serviceName, tags: [] }])),
  };
}
