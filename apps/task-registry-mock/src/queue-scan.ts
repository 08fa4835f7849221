import { formatKey, keyOf, streams } from '@necrocode/contracts';
import { ensureStreams, type NatsConnection } from '@necrocode/messaging';
import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
  type StoredMsg,
  type StreamInfo,
} from '@nats-io/jetstream';
import type { Order } from './open-run.js';
import type { QueueWatch } from './queue-watch.js';
import type { Run } from './runs.js';

/** Messages that one look reads at most; the next one goes on there. */
const mostPerLook = 5_000;
/** Messages that one look asks for again, to see whether they are still there. */
const mostChecks = 500;
const checkAgainMs = 30_000;

interface Seen {
  readonly sequence: number;
  readonly checkedAt: number;
}

/** The queue after a look. */
export interface ScannedQueue {
  /** No message is older than its stream. */
  readonly createdAt: number;
  /** The runs of these that have no message in the queue. */
  withoutMessage(runs: readonly Run[]): Promise<Run[]>;
}

/**
 * Reads what waits in the queue, each message once, and knows which run it is for. Counting messages would not
 * do: some are duplicates, some no task, some written for newer runners.
 */
export class QueueScan {
  private createdAt = 0;
  private next = 1;
  private readonly seen = new Map<string, Seen>();

  constructor(
    private readonly connection: NatsConnection,
    private readonly watch: Pick<QueueWatch, 'read'>,
    private readonly now: () => number,
  ) {}

  /** Undefined when there is more than one look can read. */
  async look(): Promise<ScannedQueue | undefined> {
    const manager = await jetstreamManager(this.connection, { checkAPI: false });
    const { created, state } = await this.info(manager);
    const createdAt = Date.parse(created);
    if (createdAt !== this.createdAt) {
      this.createdAt = createdAt;
      this.next = 1;
      this.seen.clear();
    }
    for (const [run, { sequence }] of this.seen) if (sequence < state.first_seq) this.seen.delete(run);
    for (let read = 0; this.next <= state.last_seq; read += 1) {
      if (read === mostPerLook) return undefined;
      const query = { seq: Math.max(this.next, state.first_seq), next_by_subj: 'necrocode.tasks.>' };
      const message = await orNothing(manager.streams.getMessage(streams.tasks.name, query));
      this.next = (message?.seq ?? state.last_seq) + 1;
      if (message) this.note(message);
    }
    return { createdAt, withoutMessage: (runs) => this.withoutMessage(manager, runs) };
  }

  private note(message: StoredMsg): void {
    const order = this.watch.read(message.subject, message.string(), message.header, message.time.getTime());
    if (order) this.seen.set(nameOfOrder(order), { sequence: message.seq, checkedAt: this.now() });
  }

  private async withoutMessage(manager: JetStreamManager, runs: readonly Run[]): Promise<Run[]> {
    const now = this.now();
    const doubtful = runs
      .flatMap((run) => {
        const seen = this.seen.get(nameOfRun(run));
        return seen && seen.checkedAt <= now - checkAgainMs ? [{ name: nameOfRun(run), seen }] : [];
      })
      .sort((a, b) => a.seen.checkedAt - b.seen.checkedAt)
      .slice(0, mostChecks);
    await Promise.all(
      doubtful.map(async ({ name, seen: { sequence } }) => {
        const message = await orNothing(manager.streams.getMessage(streams.tasks.name, { seq: sequence }));
        if (message) this.seen.set(name, { sequence, checkedAt: now });
        else this.seen.delete(name);
      }),
    );
    return runs.filter((run) => !this.seen.has(nameOfRun(run)));
  }

  private async info(manager: JetStreamManager): Promise<StreamInfo> {
    const ask = () => manager.streams.info(streams.tasks.name);
    return ask().catch(async (error: unknown) => {
      if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.StreamNotFound)
        throw error;
      await ensureStreams(this.connection);
      return ask();
    });
  }
}

function nameOfOrder({ task, digest }: Order): string {
  return `${formatKey(keyOf(task))}#${digest}`;
}

function nameOfRun(run: Run): string {
  return `${formatKey(run)}#${run.digest}`;
}

/** JetStream's "no message found". */
const noMessage = 10_037;

async function orNothing(asked: Promise<StoredMsg | null>): Promise<StoredMsg | undefined> {
  try {
    return (await asked) ?? undefined;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === noMessage) return undefined;
    throw error;
  }
}
