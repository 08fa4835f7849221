import { status } from '@grpc/grpc-js';
import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { catchError, throwError, type Observable } from 'rxjs';
import { rpcError } from './rpc-error.js';

/**
 * A full disk passes, so the caller is told to come again: UNAVAILABLE, instead of the UNKNOWN of an error
 * that nobody expected.
 */
@Injectable()
export class OutOfSpaceInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      catchError((error: unknown) => {
        const cause = isOutOfSpace(error)
          ? rpcError(status.UNAVAILABLE, 'the disk of the service is full')
          : error;
        return throwError(() => cause);
      }),
    );
  }
}

/** SQLite's result codes for a full database and for a write that failed. */
const sqliteFull = new Set([13, 10, 778, 1034, 1290, 4874]);

function isOutOfSpace(error: unknown): boolean {
  const { code, errcode } = (error ?? {}) as { code?: unknown; errcode?: unknown };
  return code === 'ENOSPC' || code === 'EDQUOT' || (typeof errcode === 'number' && sqliteFull.has(errcode));
}
