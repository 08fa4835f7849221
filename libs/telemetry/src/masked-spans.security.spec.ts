import { SpanStatusCode } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { maskSpans, withoutSecrets } from './masked-spans.js';
import { createMask } from './masking/index.js';

describe('a span', () => {
  it('[AR-10.5] leaves the process without secrets, in name, attributes, events, exceptions and status', () => {
    maskSpans(createMask(['secret-4711']));
    const exporter = new InMemorySpanExporter();
    const provider = new TracerProvider({
      spanProcessors: [new SimpleSpanProcessor({ exporter: withoutSecrets(exporter) })],
    });
    const span = provider
      .getTracer('spec')
      .startSpan('name secret-4711', { attributes: { a: 'secret-4711', n: 7 } });
    span.setAttribute('later', ['x secret-4711', 'y']);
    span.addEvent('event secret-4711', { b: 'secret-4711' });
    span.recordException(new Error('at secret-4711'));
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'status secret-4711' });
    span.end();
    const [sent] = exporter.getFinishedSpans();
    const { name, attributes, events, status } = sent ?? {};
    const told = JSON.stringify({ name, attributes, events, status });
    expect(told).not.toContain('4711');
    expect({ name, attributes, status }).toEqual({
      name: 'name [masked]',
      attributes: { a: '[masked]', n: 7, later: ['x [masked]', 'y'] },
      status: { code: SpanStatusCode.ERROR, message: 'status [masked]' },
    });
    expect(sent?.spanContext()).toEqual(span.spanContext());
    expect(sent?.duration).toHaveLength(2);
  });
});
