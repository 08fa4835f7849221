import { defaultPlace, headers as names, streams, subjects, taskResultSchema } from '@necrocode/contracts';
import { connectNats, ensureStreams } from '@necrocode/messaging';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { PublishedResult } from './world.js';

/** The suite's own way to NATS, past all proxies. */
export interface Queue {
  publish(body: string, messageId?: string): Promise<void>;
  /** Results in the stream, by task id of the spec. */
  results(spec: string): Promise<ReadonlyMap<string, readonly PublishedResult[]>>;
  /**
   * Messages that somebody will still be sent: in the stream, and open for its consumer. A server of 2.9 that is
   * killed may remember one without the other: settled messages lie in the stream again, for nobody, or a
   * consumer waits for the settlement of messages that are gone ("error looking up message").
   */
  waiting(): Promise<number>;
  close(): Promise<void>;
}

/** The server is killed at times: what it did not confirm is said again. */
const publishTries = 20;

export async function openQueue(url: string, name: string): Promise<Queue> {
  const connection = await connectNats({ url, name });
  await ensureStreams(connection);
  return {
    async publish(body, messageId) {
      const carried = headers();
      if (messageId !== undefined) carried.set(names.msgId, messageId);
      for (let left = publishTries; ; left -= 1) {
        try {
          await jetstream(connection).publish(subjects.task(defaultPlace), body, { headers: carried });
          return;
        } catch (error) {
          if (left === 0) throw error;
        }
      }
    },
    async results(spec) {
      const manager = await jetstreamManager(connection);
      const found = new Map<string, PublishedResult[]>();
      const { state } = await manager.streams.info(streams.results.name);
      if (state.messages === 0) return found;
      for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
        const stored = await manager.streams.getMessage(streams.results.name, { seq });
        if (!stored?.subject.startsWith(`necrocode.results.${spec}.`)) continue;
        const result = taskResultSchema.partial().parse(JSON.parse(new TextDecoder().decode(stored.data)));
        const id = stored.subject.slice(`necrocode.results.${spec}.`.length);
        found.set(id, [...(found.get(id) ?? []), readResult(result)]);
      }
      return found;
    },
    async waiting() {
      const manager = await jetstreamManager(connection);
      let waiting = 0;
      for await (const { config, num_pending, num_ack_pending } of manager.consumers.list(
        streams.tasks.name,
      )) {
        const subject = config.filter_subject ?? '';
        const { state } = await manager.streams.info(streams.tasks.name, { subjects_filter: subject });
        waiting += Math.min(num_pending + num_ack_pending, state.subjects?.[subject] ?? 0);
      }
      return waiting;
    },
    close: () => connection.close(),
  };
}

function readResult(result: Partial<PublishedResult>): PublishedResult {
  const { run = 1, status = 'done', commit = null, tree = null, pushed = false, error = null } = result;
  return { run, status, commit, tree, pushed, error };
}
