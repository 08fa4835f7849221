import { nanos, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { keptHeaders } from './kept-headers.js';

/** Where and when a message was delivered, as its reply subject tells. */
export interface Delivery {
  /** Position in the stream: the same for every delivery of one message. */
  readonly streamSequence: number;
  /** 1 for the first delivery. */
  readonly deliveries: number;
  readonly storedAt: Date;
}

/**
 * A message that a pull brought, with JetStream's vocabulary of settling. The client library makes such
 * objects only inside its own consumers.
 */
export class PulledMessage {
  readonly delivery: Delivery;
  /** Where the server is told of the message's progress and end. */
  readonly ackSubject: string;

  constructor(
    private readonly connection: NatsConnection,
    private readonly message: Msg,
  ) {
    this.ackSubject = message.reply ?? '';
    this.delivery = readAckSubject(this.ackSubject);
  }

  get subject(): string {
    return this.message.subject;
  }

  get data(): Uint8Array {
    return this.message.data;
  }

  header(name: string): string | undefined {
    return this.message.headers?.get(name) || undefined;
  }

  /** Those of the publisher alone. */
  get keptHeaders(): Record<string, string> {
    return keptHeaders(this.message.headers);
  }

  nak(delayMs: number): void {
    this.settle(`-NAK ${JSON.stringify({ delay: nanos(delayMs) })}`);
  }

  /** Without a reason, which servers before 2.10 do not understand. */
  term(): void {
    this.settle('+TERM');
  }

  /**
   * Acknowledges and waits for the server to confirm.
   *
   * @throws when no confirmation came in time
   */
  async ackAck(timeoutMs: number): Promise<void> {
    await this.connection.request(this.ackSubject, '+ACK', { timeout: timeoutMs });
  }

  private settle(payload: string): void {
    this.connection.publish(this.ackSubject, payload);
  }
}

/**
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time, ns>.<pending>`; newer servers
 * put domain and account after `ACK` and may append more.
 */
function readAckSubject(subject: string): Delivery {
  const tokens = subject.split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) {
    throw new Error(`not the reply subject of a JetStream message: ${subject}`);
  }
  const first = tokens.length >= 11 ? 6 : 4;
  const [deliveries, streamSequence, , time] = tokens.slice(first) as [string, string, string, string];
  return {
    deliveries: Number(deliveries),
    streamSequence: Number(streamSequence),
    storedAt: new Date(Number(BigInt(time) / 1_000_000n)),
  };
}
