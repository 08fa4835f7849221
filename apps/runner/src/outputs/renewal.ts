import { hostAndPort, status, type GrpcEndpoint } from '@necrocode/rpc';
import type { Renewal } from '../pipeline/ports.js';

/** A renewal that takes longer is made again. */
const deadlineMs = 3_000;

/** @param method of the service's definition */
export function renewalCall<Request>(
  { address, tls }: GrpcEndpoint,
  method: { readonly path: string; readonly requestSerialize: (request: Request) => Buffer },
  request: Request,
): Renewal['call'] {
  const { path, requestSerialize } = method;
  return {
    kind: 'call',
    address: hostAndPort(address),
    tls,
    path,
    request: requestSerialize(request),
    deadlineMs,
  };
}

/** Whether a status says that the lease is lost, or only that nobody could answer. */
export function judgeRefusal(code: number): 'lost' | 'no_answer' {
  return lostStatuses.has(code) ? 'lost' : 'no_answer';
}

const lostStatuses: ReadonlySet<number> = new Set([status.FAILED_PRECONDITION, status.NOT_FOUND]);
