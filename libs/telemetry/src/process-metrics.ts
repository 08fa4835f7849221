import { metrics } from '@opentelemetry/api';

/** Memory and CPU of this process, by OpenTelemetry's names. To be called once the SDK has started. */
export function measureProcess(): void {
  const meter = metrics.getMeter('necrocode');
  meter
    .createObservableGauge('process.memory.usage', { description: 'Resident memory', unit: 'By' })
    .addCallback((result) => result.observe(process.memoryUsage.rss()));
  meter
    .createObservableCounter('process.cpu.time', { description: 'CPU time', unit: 's' })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage();
      result.observe(user / 1e6, { 'cpu.mode': 'user' });
      result.observe(system / 1e6, { 'cpu.mode': 'system' });
    });
}
