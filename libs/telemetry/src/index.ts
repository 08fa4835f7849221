/**
 * Spans, metrics and logs, so that the rest of the system needs no OpenTelemetry or pino.
 *
 *   node --import @necrocode/telemetry/register dist/main.js
 *   import { withSpan, createLogger } from '@necrocode/telemetry';
 */
export * from './spans.js';
export { maskSpans } from './masked-spans.js';
export * from './metrics.js';
export * from './masking/index.js';
export * from './serve-metrics.js';
export * from './logger.js';
export { flushTelemetry, metricsHandler, shutdownTelemetry } from './sdk.js';
export * from './otlp-receiver.js';
