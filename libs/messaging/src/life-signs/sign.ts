import type { ClientTls } from '@necrocode/contracts';
import type { ConnectionOptions } from '@nats-io/transport-node';

/** What shows somebody that a piece of work is alive. */
export type Sign =
  /** JetStream: starts the ack_wait of the message with this reply subject anew. */
  | { readonly kind: 'working'; readonly subject: string }
  /** A unary gRPC call whose request is the same every time, such as the renewal of a lease. */
  | {
      readonly kind: 'call';
      /** `host:port`. */
      readonly address: string;
      /** `/package.Service/Method`. */
      readonly path: string;
      readonly request: Uint8Array;
      readonly deadlineMs: number;
      /** Absent: without TLS. */
      readonly tls?: ClientTls | undefined;
    };

/** How a call was answered. `at` is the time of sending, in milliseconds of the machine's monotonic clock. */
export type SignAnswer =
  | { readonly kind: 'response'; readonly at: number; readonly response: Uint8Array }
  | { readonly kind: 'status'; readonly at: number; readonly code: number };

/** What the main thread asks of the thread that gives signs. Numbers name lives and signs. */
export type Order =
  | {
      readonly kind: 'give';
      readonly life: number;
      readonly sign: number;
      readonly what: Sign;
      readonly everyMs: number;
    }
  | { readonly kind: 'stop'; readonly sign: number }
  /** Until when the signs of a life are given: monotonic milliseconds. */
  | { readonly kind: 'until'; readonly life: number; readonly until: number }
  | { readonly kind: 'end'; readonly life: number };

/** How the thread comes to NATS: plain data, since it crosses to another thread. */
export interface NatsOfThread {
  readonly options: ConnectionOptions;
  /** Text of a credentials file. */
  readonly creds: string | undefined;
}

/** What comes back. */
export interface Answered {
  readonly sign: number;
  readonly answer: SignAnswer;
}
