import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import {
  Controller,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { faultInjection } from '@necrocode/contracts';
import { concat, ignoreElements, throwError, type Observable } from 'rxjs';
import { rpcError } from './rpc-error.js';

/** Applies the faults that a test has switched on to every call of the process. */
@Injectable()
export class FaultInterceptor implements NestInterceptor {
  private rules: { fault: faultInjection.Fault; left: number }[] = [];

  set(faults: readonly faultInjection.Fault[]): void {
    this.rules = faults.map((fault) => ({ fault, left: fault.count || Infinity }));
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const fault = this.take(context.getHandler().name);
    if (!fault) return next.handle();
    if (fault.latencyMs > 0) await sleep(fault.latencyMs);
    if (fault.statusCode > 0) return throwError(() => rpcError(fault.statusCode, 'injected fault'));
    if (!fault.dropReply) return next.handle();
    const lost = throwError(() => rpcError(status.UNAVAILABLE, 'injected fault: the reply was dropped'));
    return concat(next.handle().pipe(ignoreElements()), lost);
  }

  private take(handler: string): faultInjection.Fault | undefined {
    if (handler === 'setFaults') return undefined;
    const rule = this.rules.find(
      ({ fault, left }) => left > 0 && (fault.method === '' || lowerFirst(fault.method) === handler),
    );
    if (rule) rule.left -= 1;
    return rule?.fault;
  }
}

@Controller()
export class FaultInjectionController {
  constructor(private readonly interceptor: FaultInterceptor) {}

  @GrpcMethod('FaultInjectionService', 'setFaults')
  setFaults(request: faultInjection.SetFaultsRequest): faultInjection.SetFaultsResponse {
    this.interceptor.set(request.faults);
    return {};
  }
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
