import { Metadata, status, type CallOptions as GrpcCallOptions, type ServiceError } from '@grpc/grpc-js';
import { isStatusError, persist, type Persistence } from './persist.js';

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<GrpcCallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => { cancel(): void };

export interface CallOptions extends Persistence {
  /** For each try, milliseconds. A patient caller gives a service that is only slow up to four times that. */
  readonly deadlineMs: number;
}

const longestStretch = 4;

/**
 * Calls a unary method of a generated client (`client.renewLease.bind(client)`).
 * Retries what is safe to retry, with exponential backoff and jitter.
 *
 * @throws ServiceError of @grpc/grpc-js; with an aborted signal its reason
 */
export async function call<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  options: CallOptions,
): Promise<Response> {
  const { deadlineMs, patienceMs, signal } = options;
  let stretch = 1;
  const tryOnce = async () => {
    try {
      return await callOnce(method, request, deadlineMs * stretch, signal);
    } catch (error) {
      const late = isStatusError(error) && error.code === status.DEADLINE_EXCEEDED;
      if (late && patienceMs !== undefined) stretch = Math.min(stretch * 2, longestStretch);
      throw error;
    }
  };
  return persist(tryOnce, options);
}

function callOnce<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  deadlineMs: number,
  signal: AbortSignal | undefined,
): Promise<Response> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + deadlineMs;
    const call = method(request, new Metadata(), { deadline }, (error, response) => {
      signal?.removeEventListener('abort', cancel);
      if (error) reject(signal?.aborted ? (signal.reason as Error) : error);
      else resolve(response);
    });
    const cancel = () => call.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
  });
}
