import { once } from 'node:events';
import { rpcError, status } from '@necrocode/rpc';
import { Observable } from 'rxjs';

/** Messages that may wait for the disk before the sender is held up. */
const highWater = 8;

/** Of a gRPC call whose requests stream, what matters here. */
export interface RequestCall {
  readonly cancelled: boolean;
  pause(): unknown;
  resume(): unknown;
}

/** Of a gRPC call whose responses stream, what matters here. */
export interface ResponseCall extends NodeJS.EventEmitter {
  readonly writableNeedDrain: boolean;
}

/**
 * The messages of a request stream, one at a time. The call is paused while too many wait. To be
 * iterated within the handler's own tick, and the handler has to return an Observable, not a promise:
 * only then does Nest hand over the messages before the handler has ended.
 *
 * @throws RpcException CANCELLED in place of the end when the caller has gone
 */
export async function* requestsOf<T>(messages: Observable<T>, call: RequestCall): AsyncGenerator<T> {
  // Nest replays what came before the handler in its next setImmediate; anything that came until then
  // would overtake it.
  call.pause();
  setImmediate(() => setImmediate(() => call.resume()));
  const waiting: T[] = [];
  let end: { error?: unknown } | undefined;
  let wake = () => undefined as void;
  const subscription = messages.subscribe({
    next: (message) => {
      waiting.push(message);
      if (waiting.length >= highWater) call.pause();
      wake();
    },
    error: (error: unknown) => {
      end = { error };
      wake();
    },
    complete: () => {
      end = call.cancelled ? { error: rpcError(status.CANCELLED, 'the caller has gone') } : {};
      wake();
    },
  });
  try {
    for (;;) {
      const message = waiting.shift();
      if (message !== undefined) {
        if (waiting.length === 0) call.resume();
        yield message;
      } else if (end) {
        if ('error' in end) throw end.error;
        return;
      } else {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  } finally {
    subscription.unsubscribe();
    // What still comes after a refusal must flow off, or the call never ends.
    call.resume();
  }
}

/**
 * A response stream that asks for the next message only when the last one has gone out: what Nest
 * subscribes to has no backpressure of its own.
 */
export function pacedResponses<T>(source: () => AsyncIterable<T>, call: ResponseCall): Observable<T> {
  return new Observable((subscriber) => {
    const gone = new AbortController();
    const pump = async () => {
      for await (const message of source()) {
        subscriber.next(message);
        if (call.writableNeedDrain) await once(call, 'drain', { signal: gone.signal });
        if (gone.signal.aborted) return;
      }
      subscriber.complete();
    };
    pump().catch((error: unknown) => subscriber.error(error));
    return () => gone.abort();
  });
}
