import { consumerName, streams, type QueuePlace } from '@necrocode/contracts';
import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { inboxPrefixOf } from './connect.js';
import { PulledMessage } from './pulled-message.js';

/** For the answer to a pull; a message that comes later is delivered again after its ack_wait. */
const answerDeadlineMs = 3_000;

/**
 * Takes up to `batch` messages that are waiting at this moment and never waits for one to come, which
 * the client library's own pull does not offer: a runner must not hold requests open on several
 * consumers, or it would be sent more than it has room for.
 *
 * The protocol is JetStream's `CONSUMER.MSG.NEXT` with `no_wait`: messages, or a status that ends the batch.
 */
export function pullWaiting(
  connection: NatsConnection,
  place: QueuePlace,
  batch: number,
): Promise<PulledMessage[]> {
  return new Promise((resolve, reject) => {
    const taken: PulledMessage[] = [];
    const finish = (error?: Error) => {
      clearTimeout(deadline);
      subscription.unsubscribe();
      if (error && taken.length === 0) reject(error);
      else resolve(taken);
    };
    const inbox = createInbox(inboxPrefixOf(connection));
    const deadline = setTimeout(() => finish(new Error('no answer to a pull request')), answerDeadlineMs);
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error) finish(error);
        else if (isStatus(message)) finish(statusError(message));
        else if (taken.push(new PulledMessage(connection, message)) >= batch) finish();
      },
    });
    const request = JSON.stringify({ batch, no_wait: true });
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${streams.tasks.name}.${consumerName(place)}`;
    connection.publish(subject, request, { reply: inbox });
  });
}

/** Status messages are empty and carry a code in their header's first line. */
function isStatus(message: Msg): boolean {
  return message.data.length === 0 && (message.headers?.code ?? 0) > 0;
}

/** 404 and 408 say that nothing (more) waits; anything else is a fault, such as a deleted consumer. */
function statusError(message: Msg): Error | undefined {
  const code = message.headers?.code ?? 0;
  if (code === 404 || code === 408) return undefined;
  return new Error(`pull refused with status ${code} ${message.headers?.description ?? ''}`.trim());
}
