import { status } from '@grpc/grpc-js';

/** The name of a gRPC status, such as UNAVAILABLE. */
export function statusName(code: number): string {
  return status[code] ?? `status ${code}`;
}
