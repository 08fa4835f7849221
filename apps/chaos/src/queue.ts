import { defaultPlace, headers as names, streams, subjects, taskResultSchema } from '@necrocode/contracts';
import { connectNats, ensureStreams } from '@necrocode/messaging';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import type { PublishedResult } from './world.js';

/** The suite's own way to NATS, past all proxies. */
export interface Queue {
  publish(body: string, messageId?: string): Promise<void>;
  /** Results in the stream, by task id of the spec. */
  results(spec: string): Promise<ReadonlyMap<string, readonly PublishedResult[]>>;
  /**
   * Messages that are still to be delivered or settled.
   *
   * @param over ids of tasks that have ended, given once the server was killed: one of 2.9 may then remember a
   *   settlement without the removal, or the other way round, so that settled messages lie in the stream again
   *   for nobody, or a consumer waits for what is gone ("error looking up message"). From then on only messages
   *   of other tasks count.
   */
  waiting(over?: ReadonlySet<string>): Promise<number>;
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
    async waiting(over) {
      const manager = await jetstreamManager(connection);
      let waiting = 0;
      for await (const { config, num_pending, num_ack_pending } of manager.consumers.list(
        streams.tasks.name,
      )) {
        const open = num_pending + num_ack_pending;
        waiting +=
          over && open > 0 ? Math.min(open, await ofOthers(manager, config.filter_subject, over)) : open;
      }
      return waiting;
    },
    close: () => connection.close(),
  };
}

/** Messages of a subject in the stream whose task is not among these. */
async function ofOthers(
  manager: JetStreamManager,
  subject: string | undefined,
  over: ReadonlySet<string>,
): Promise<number> {
  const { state } = await manager.streams.info(streams.tasks.name);
  let count = 0;
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const stored = await manager.streams.getMessage(streams.tasks.name, { seq });
    if (!stored || stored.subject !== subject) continue;
    if (!over.has(stored.json<{ task_id: string }>().task_id)) count += 1;
  }
  return count;
}

function readResult(result: Partial<PublishedResult>): PublishedResult {
  const { run = 1, status = 'done', commit = null, tree = null, pushed = false, error = null } = result;
  return { run, status, commit, tree, pushed, error };
}
