/**
 * Preload of every process: `node --import @necrocode/telemetry/register dist/main.js`.
 *
 * Order matters: ES modules bypass the hook that patches @grpc/grpc-js, so the instrumentation is
 * registered first and the patched package put into the module cache, where later imports (the SDK's
 * own exporters among them) find it.
 */
import { createRequire } from 'node:module';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';

// Calls that repeat while a task runs would bury the story that a trace tells.
const quietMethods = [
  'RenewLease',
  'Renew',
  'RegisterRunner',
  'AppendEvents',
  'GetTask',
  'WatchTask',
  /^Check$/,
];
registerInstrumentations({
  instrumentations: [new GrpcInstrumentation({ ignoreGrpcMethods: quietMethods })],
});
createRequire(import.meta.url)('@grpc/grpc-js');

const { startSdk } = await import('./sdk.js');
startSdk();
