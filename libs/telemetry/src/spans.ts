import {
  context,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
} from '@opentelemetry/api';

export { SpanKind, type Attributes, type Span };

const tracer = trace.getTracer('necrocode');

const inherited = createContextKey('necrocode.inherited-attributes');

/** Gives every span that is started inside `fn` these attributes, beside those given further out. */
export function withInheritedAttributes<T>(attributes: Attributes, fn: () => Promise<T>): Promise<T> {
  const active = context.active();
  const merged = { ...(active.getValue(inherited) as Attributes | undefined), ...attributes };
  return context.with(active.setValue(inherited, merged), fn);
}

/** Adds what has become known to the span of the moment. */
export function annotateSpan(attributes: Attributes): void {
  trace.getActiveSpan()?.setAttributes(attributes);
}

/** Gives the span of the moment the status of an error that is a value: nothing was thrown. */
export function markSpanFailed(code: string, message: string): void {
  const span = trace.getActiveSpan();
  if (span) fail(span, { code, message });
}

/**
 * Points from the span of the moment to one of another place or time.
 *
 * @param traceparent W3C header of the other span; one that cannot be read is left out
 */
export function linkSpan(traceparent: string, attributes: Attributes): void {
  const context = trace.getSpanContext(
    contextFromHeaders((name) => (name === 'traceparent' ? traceparent : undefined)),
  );
  if (context) trace.getActiveSpan()?.addLink({ context, attributes });
}

export interface SpanOptions {
  readonly attributes?: Attributes;
  readonly kind?: SpanKind;
  /** Parent taken from elsewhere than the active context, such as a message's headers. */
  readonly parent?: Context;
}

/** Runs `fn` inside a span that ends with it; a thrown error becomes the span's status. */
export async function withSpan<T>(
  name: string,
  options: SpanOptions,
  fn: (span: Span) => Promise<T>,
): Promise<T> {
  const parent = options.parent ?? context.active();
  const attributes = { ...(parent.getValue(inherited) as Attributes | undefined), ...options.attributes };
  const span = tracer.startSpan(name, { kind: options.kind, attributes }, parent);
  try {
    return await context.with(trace.setSpan(parent, span), () => fn(span));
  } catch (error) {
    failSpan(span, error);
    throw error;
  } finally {
    span.end();
  }
}

export function failSpan(span: Span, error: unknown): void {
  fail(span, describe(error));
}

function fail(span: Span, { code, message }: { readonly code: string; readonly message: string }): void {
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** Adds an event to the span of the moment, such as a retry. */
export function addSpanEvent(name: string, attributes?: Attributes): void {
  trace.getActiveSpan()?.addEvent(name, attributes);
}

/** The context that a message's W3C headers describe. */
export function contextFromHeaders(get: (name: string) => string | undefined): Context {
  return propagation.extract(ROOT_CONTEXT, get, { get: (carrier, key) => carrier(key), keys: () => [] });
}

/** The W3C headers of the active context; empty outside any span. */
export function headersFromContext(): Record<string, string> {
  const carrier: Record<string, string> = {};
  propagation.inject(context.active(), carrier);
  return carrier;
}

/** The 32 hex digits of the active trace; undefined outside any span. */
export function activeTraceId(): string | undefined {
  return trace.getActiveSpan()?.spanContext().traceId;
}

function describe(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: 'unknown', message: 'unknown error' };
  const code = (error as { code?: unknown }).code;
  return { code: typeof code === 'string' ? code : error.name, message: error.message };
}
