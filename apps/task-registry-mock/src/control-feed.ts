import { setTimeout as pause } from 'node:timers/promises';
import { formatKey, keyOfCancelSubject, streams } from '@necrocode/contracts';
import { ensureControlStream, type NatsConnection } from '@necrocode/messaging';
import type { Logger } from '@necrocode/telemetry';
import { jetstream, type Consumer, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import { cancelAsAsked } from './cancel-task.js';
import type { Registry } from './registry.js';

/** Marks the registry's own cancel messages: heard late, one must not cancel the task's next run. */
export const originHeader = 'Necrocode-Origin';
export const origin = 'task-registry';

const consumerName = 'task-registry';
const batchSize = 100;
const waitMs = 10_000;
const faultPauseMs = 1_000;

/** Takes in the requests to cancel that came over NATS, also those that came while nobody listened. */
export class ControlFeed {
  private readonly stopping = new AbortController();
  private messages: ConsumerMessages | undefined;
  private readonly finished: Promise<void>;

  constructor(
    private readonly registry: Registry,
    private readonly connection: NatsConnection,
    private readonly logger: Logger,
  ) {
    this.finished = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.messages?.stop();
    await this.finished;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let consumer: Consumer | undefined;
    while (!signal.aborted) {
      try {
        consumer ??= await this.open();
        const heard = await this.listen(consumer);
        // Nothing came, or the stream has gone: a server that has lost its disk says nothing of it.
        if (heard === 0 && !signal.aborted) await consumer.info();
      } catch (error) {
        consumer = undefined;
        if (signal.aborted) return;
        this.logger.warn({ error }, 'requests to cancel cannot be heard');
        await pause(faultPauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private async open(): Promise<Consumer> {
    await ensureControlStream(this.connection, consumerName);
    return jetstream(this.connection).consumers.get(streams.control.name, consumerName);
  }

  private async listen(consumer: Consumer): Promise<number> {
    let heard = 0;
    this.messages = await consumer.fetch({ max_messages: batchSize, expires: waitMs });
    if (this.stopping.signal.aborted) this.messages.stop();
    for await (const message of this.messages) {
      heard += 1;
      this.hear(message);
    }
    return heard;
  }

  private hear(message: JsMsg): void {
    const key = keyOfCancelSubject(message.subject);
    if (!key || message.headers?.get(originHeader) === origin) return message.ack();
    try {
      const request = { key, reason: reasonOf(message), askedAt: message.time.getTime() };
      this.registry.change((change) => cancelAsAsked(change, request));
      message.ack();
    } catch (error) {
      this.logger.error({ error, task: formatKey(key) }, 'cancelling failed');
      message.nak(faultPauseMs);
    }
  }
}

/** A cancel message may hold `{"reason": "…"}`, plain text or nothing. */
function reasonOf(message: JsMsg): string {
  const text = message.string().slice(0, 1_000);
  try {
    const document: unknown = JSON.parse(text);
    const reason = (document as { reason?: unknown } | null)?.reason;
    return typeof reason === 'string' ? reason : '';
  } catch {
    return text;
  }
}
