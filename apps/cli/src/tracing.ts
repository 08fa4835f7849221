/** Loaded by a process whose traces go somewhere: starts telemetry, and is what ends it. */
import '@necrocode/telemetry/register';

export { shutdownTelemetry } from '@necrocode/telemetry';
