/**
 * The process `necro`. Tracing comes first, since it patches the gRPC package before anything else
 * imports it, and only when somebody listens: starting it takes longer than most commands.
 */
const listener = process.env.OTEL_EXPORTER_OTLP_ENDPOINT ?? process.env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
if (listener) process.env.OTEL_SERVICE_NAME ??= 'necro';
const tracing = listener ? await import('./tracing.js') : undefined;

const { runNecro } = await import('./program.js');
const { processTerminal } = await import('./show/terminal.js');

const exitCode = await runNecro(process.argv.slice(2), {
  environment: process.env,
  directory: process.cwd(),
  terminal: processTerminal(),
  input: process.stdin,
});
await tracing?.shutdownTelemetry();
// Sockets of something that never answered would keep the process alive.
process.stdout.write('', () => process.exit(exitCode));
