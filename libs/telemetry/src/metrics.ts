import { metrics, type Attributes, type Counter, type Histogram } from '@opentelemetry/api';

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

export interface Observation {
  readonly value: number;
  readonly attributes: Attributes;
}

/** Several values of one thing, told apart by their attributes. When `read` fails, there are none. */
export function gauges(
  name: string,
  description: string,
  unit: string,
  read: () => readonly Observation[] | Promise<readonly Observation[]>,
): void {
  meter.createObservableGauge(name, { description, unit }).addCallback(async (result) => {
    for (const { value, attributes } of await read()) result.observe(value, attributes);
  });
}

/** A value that is read when somebody looks. */
export function gauge(name: string, description: string, read: () => number, unit = '1'): void {
  meter.createObservableGauge(name, { description, unit }).addCallback((result) => result.observe(read()));
}
