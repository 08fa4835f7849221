import type { status } from '@grpc/grpc-js';
import { RpcException } from '@nestjs/microservices';

/** What a handler throws to answer with a gRPC status. The message is seen by the caller. */
export function rpcError(code: status, message: string): RpcException {
  return new RpcException({ code, message });
}
