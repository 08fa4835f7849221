import { Metadata, status, type CallOptions as GrpcCallOptions, type ServiceError } from '@grpc/grpc-js';
import { addSpanEvent, durationHistogram } from '@necrocode/telemetry';
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel';

/** Statuses after which the same call, with the same idempotency key, may be sent again. */
const retryableStatuses: ReadonlySet<number> = new Set([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.ABORTED,
  // A server that ends cancels the calls it has; whoever cancels on this side aborts the signal.
  status.CANCELLED,
]);

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<GrpcCallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => { cancel(): void };

export interface CallOptions {
  /** For each try, milliseconds. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** Tries after the first one. 0 for a call that must not wait. */
  readonly retries?: number;
  /** Statuses that the caller wants to handle itself, although they could be retried. */
  readonly dontRetry?: readonly status[];
}

const callDuration = durationHistogram('rpc.client.call.duration', 'Time of gRPC calls, retries included');

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
  const mayRetry = (error: unknown) =>
    isStatusError(error) &&
    retryableStatuses.has(error.code) &&
    !options.dontRetry?.includes(error.code) &&
    !options.signal?.aborted;
  const policy = retry(handleWhen(mayRetry), {
    maxAttempts: options.retries ?? 4,
    backoff: new ExponentialBackoff({ initialDelay: 100, maxDelay: 5_000 }),
  });
  policy.onRetry((event) => addSpanEvent('retry', { 'retry.delay_ms': Math.round(event.delay) }));
  const started = performance.now();
  try {
    return await policy.execute(() => callOnce(method, request, options), options.signal);
  } finally {
    callDuration.record((performance.now() - started) / 1000, {
      'rpc.method': method.name.replace('bound ', ''),
    });
  }
}

/** True for what grpc-js throws: an error with a numeric status. */
export function isStatusError(error: unknown): error is ServiceError {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'number';
}

/** The name of a gRPC status, such as UNAVAILABLE. */
export function statusName(code: number): string {
  return status[code] ?? `status ${code}`;
}

function callOnce<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  { deadlineMs, signal }: CallOptions,
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
