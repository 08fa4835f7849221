import { metrics, type Counter, type Histogram } from '@opentelemetry/api';

const meter = metrics.getMeter('necrocode');

/** Durations are in seconds, as OpenTelemetry's conventions ask. */
export function durationHistogram(name: string, description: string): Histogram {
  const explicitBucketBoundaries = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800,
  ];
  return meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries } });
}

export function counter(name: string, description: string, unit = '1'): Counter {
  return meter.createCounter(name, { description, unit });
}

/** A value that is read when somebody looks. */
export function gauge(name: string, description: string, read: () => number, unit = '1'): void {
  meter.createObservableGauge(name, { description, unit }).addCallback((result) => result.observe(read()));
}
