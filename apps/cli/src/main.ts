/**
 * The process `necro`. Telemetry comes first, since it patches the gRPC package before anything else
 * imports it, and only when somebody listens: it would double the time to the first answer.
 */
const traced = Boolean(
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT ?? process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
);
if (traced) {
  process.env.OTEL_SERVICE_NAME ??= 'necro';
  await import('@necrocode/telemetry/register');
}

const { runNecro } = await import('./program.js');
const { processTerminal } = await import('./show/terminal.js');

const exitCode = await runNecro(process.argv.slice(2), {
  environment: process.env,
  directory: process.cwd(),
  terminal: processTerminal(),
  input: process.stdin,
});
if (traced) {
  const { shutdownTelemetry } = await import('@necrocode/telemetry');
  await shutdownTelemetry();
}
process.exitCode = exitCode;
