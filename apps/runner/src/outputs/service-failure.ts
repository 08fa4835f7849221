import { RunnerError, type ErrorCode } from '@necrocode/contracts';
import { connectionTrouble, isMessageTooLarge, statusName, type GrpcEndpoint } from '@necrocode/rpc';
import type { ServiceError } from '@grpc/grpc-js';

/** A failed call of a service that says nothing about the task, in the words of the pipeline. */
export function serviceFailure(
  error: ServiceError,
  code: ErrorCode,
  service: string,
  endpoint: GrpcEndpoint,
): RunnerError {
  if (isMessageTooLarge(error)) {
    const message = `a message is larger than ${service} takes`;
    return new RunnerError('internal', message, { cause: error, retryable: false });
  }
  const trouble = connectionTrouble(error, endpoint);
  const message = `${service} does not answer (${statusName(error.code)})${trouble ? `: ${trouble}` : ''}`;
  return new RunnerError(code, message, { cause: error });
}
