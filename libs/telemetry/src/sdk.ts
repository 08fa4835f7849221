import { trace } from '@opentelemetry/api';
import { OTLPMetricExporter as OverGrpc } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as OverJson } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as OverProtobuf } from '@opentelemetry/exporter-metrics-otlp-proto';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { OTLPTraceExporter as SpansOverGrpc } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as SpansOverJson } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as SpansOverProtobuf } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  PeriodicExportingMetricReader,
  type IMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { NoopSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace';
import { withoutSecrets } from './masked-spans.js';
import { measureProcess } from './process-metrics.js';

// The registering copy of this module may be loaded from another path than the application's.
const slot = Symbol.for('necrocode.telemetry');
interface Started {
  readonly sdk: NodeSDK;
  readonly prometheus: PrometheusExporter;
}
const shared = globalThis as { [slot]?: Started };

/** Starts the SDK from the standard `OTEL_*` settings; without an endpoint nothing is exported. */
export function startSdk(): void {
  if (shared[slot]) return;
  // Without an endpoint the SDK's default would be to send to localhost.
  const exports = (signal: string) =>
    Boolean(process.env.OTEL_EXPORTER_OTLP_ENDPOINT ?? process.env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]);
  process.env.OTEL_LOGS_EXPORTER ??= 'none';
  const prometheus = new PrometheusExporter({ preventServerStart: true });
  const metricReaders: IMetricReader[] = [prometheus];
  if (exports('METRICS') && process.env.OTEL_METRICS_EXPORTER !== 'none') {
    metricReaders.push(new PeriodicExportingMetricReader({ exporter: metricExporter() }));
  }
  // Trace ids stand in results and logs, so spans are made even when nobody collects them.
  const collected = exports('TRACES') && process.env.OTEL_TRACES_EXPORTER !== 'none';
  const sdk = new NodeSDK({
    metricReaders,
    ...(collected
      ? { traceExporter: withoutSecrets(spanExporter()) }
      : { spanProcessors: [new NoopSpanProcessor()] }),
  });
  sdk.start();
  measureProcess();
  shared[slot] = { sdk, prometheus };
}

/** The SDK chooses by itself only where it is given none, and what it chooses masks nothing. */
function spanExporter(): SpanExporter {
  const { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL } = process.env;
  switch (OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? OTEL_EXPORTER_OTLP_PROTOCOL) {
    case 'grpc':
      return new SpansOverGrpc();
    case 'http/json':
      return new SpansOverJson();
    default:
      return new SpansOverProtobuf();
  }
}

/** The SDK chooses by itself only where it is given no reader at all. */
function metricExporter(): PushMetricExporter {
  const { OTEL_EXPORTER_OTLP_METRICS_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL } = process.env;
  switch (OTEL_EXPORTER_OTLP_METRICS_PROTOCOL ?? OTEL_EXPORTER_OTLP_PROTOCOL) {
    case 'grpc':
      return new OverGrpc();
    case 'http/json':
      return new OverJson();
    default:
      return new OverProtobuf();
  }
}

/** Answers a scrape of `/metrics` in the Prometheus text format; undefined when the SDK was not started. */
export function metricsHandler(): PrometheusExporter['getMetricsRequestHandler'] | undefined {
  const { prometheus } = shared[slot] ?? {};
  return prometheus && ((request, response) => prometheus.getMetricsRequestHandler(request, response));
}

/** Sends what is buffered; gives up silently after `deadlineMs`, since telemetry must hold up no task. */
export async function flushTelemetry(deadlineMs: number): Promise<void> {
  const proxy = trace.getTracerProvider() as { getDelegate?: () => unknown };
  const provider = (proxy.getDelegate?.() ?? proxy) as { forceFlush?: () => Promise<void> };
  if (provider.forceFlush) await within(provider.forceFlush(), deadlineMs);
}

/** Flushes and ends the SDK: the last act of a process. */
export async function shutdownTelemetry(deadlineMs = 2_000): Promise<void> {
  const started = shared[slot];
  delete shared[slot];
  if (started) await within(started.sdk.shutdown(), deadlineMs);
}

async function within(work: Promise<unknown>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => (timer = setTimeout(resolve, deadlineMs)));
  await Promise.race([work.catch(() => undefined), deadline]);
  clearTimeout(timer);
}
