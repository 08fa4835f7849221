import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

type HideText = (text: string) => string;

// The registering copy of this module may be loaded from another path than the application's.
const slot = Symbol.for('necrocode.telemetry.mask');
const shared = globalThis as { [slot]?: HideText };

/** Passes every text of this process's spans through the mask as the spans leave it, whoever made them. */
export function maskSpans(mask: HideText): void {
  shared[slot] = mask;
}

/** The same exporter, which is given spans without secrets: names, attributes, events (exceptions), links and status. */
export function withoutSecrets(exporter: SpanExporter): SpanExporter {
  return {
    export: (spans, done) => {
      const hide = shared[slot];
      exporter.export(hide ? spans.map((span) => maskedSpan(span, hide)) : spans, done);
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

/** Everything else is read from the span itself. */
function maskedSpan(span: ReadableSpan, hide: HideText): ReadableSpan {
  const { status } = span;
  return Object.create(span, {
    name: { value: hide(span.name) },
    attributes: { value: masked(span.attributes, hide) },
    events: {
      value: span.events.map((event) => ({
        ...event,
        name: hide(event.name),
        ...(event.attributes && { attributes: masked(event.attributes, hide) }),
      })),
    },
    links: {
      value: span.links.map((link) => ({
        ...link,
        ...(link.attributes && { attributes: masked(link.attributes, hide) }),
      })),
    },
    status: { value: status.message === undefined ? status : { ...status, message: hide(status.message) } },
  }) as ReadableSpan;
}

function masked(attributes: Attributes, hide: HideText): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      value === undefined ? value : maskedValue(value, hide),
    ]),
  );
}

function maskedValue(value: AttributeValue, hide: HideText): AttributeValue {
  if (typeof value === 'string') return hide(value);
  if (!Array.isArray(value)) return value;
  return value.map((item: unknown) => (typeof item === 'string' ? hide(item) : item));
}
