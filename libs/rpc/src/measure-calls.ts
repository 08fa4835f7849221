import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { durationHistogram } from '@necrocode/telemetry';
import { statusName } from './status-name.js';

const callDuration = durationHistogram(
  'rpc.client.call.duration',
  'Time of each gRPC call, streams included',
);

/**
 * Records the time of every call of a client by its method and status. The path is asked for, since the
 * methods themselves have no name of their own once they are traced.
 */
export const measureCalls: Interceptor = (options, nextCall) => {
  const [, service = '', method = ''] = options.method_definition.path.split('/');
  const started = performance.now();
  return new InterceptingCall(nextCall(options), {
    start: (metadata, _listener, next) =>
      next(metadata, {
        onReceiveStatus: (ended, pass) => {
          callDuration.record((performance.now() - started) / 1000, {
            'rpc.system.name': 'grpc',
            'rpc.method': `${service}/${method}`,
            'rpc.response.status_code': statusName(ended.code),
          });
          pass(ended);
        },
      }),
  });
};
