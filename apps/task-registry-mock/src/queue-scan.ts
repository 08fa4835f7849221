import { formatKey, keyOf, streams } from '@necrocode/contracts';
import { ensureStreams, type NatsConnection } from '@necrocode/messaging';
import type { StoredMsg } from '@nats-io/jetstream';
import type { Order } from './open-run.js';
import type { QueueWatch } from './queue-watch.js';
import type { Run } from './runs.js';
import { lookAtStream, type StoredStream } from './stored-messages.js';

const tasks = { name: streams.tasks.name, subjects: 'necrocode.tasks.>' };
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
    private readonly watch: Pick<QueueWatch, 'read' | 'settle'>,
    private readonly now: () => number,
  ) {}

  /** Undefined when there is more than one look can read. */
  async look(): Promise<ScannedQueue | undefined> {
    const stream = await lookAtStream(this.connection, tasks, () => ensureStreams(this.connection));
    const { createdAt, firstSequence, lastSequence } = stream;
    if (createdAt !== this.createdAt) {
      this.createdAt = createdAt;
      this.next = 1;
      this.seen.clear();
    }
    for (const [run, { sequence }] of this.seen) if (sequence < firstSequence) this.seen.delete(run);
    try {
      for (let read = 0; this.next <= lastSequence; read += 1) {
        if (read === mostPerLook) return undefined;
        const message = await stream.from(this.next);
        if (message) this.note(message);
        this.next = (message?.seq ?? lastSequence) + 1;
      }
    } finally {
      this.watch.settle();
    }
    return { createdAt, withoutMessage: (runs) => this.withoutMessage(stream, runs) };
  }

  private note(message: StoredMsg): void {
    const order = this.watch.read(message);
    if (order) this.seen.set(nameOfOrder(order), { sequence: message.seq, checkedAt: this.now() });
  }

  private async withoutMessage(stream: StoredStream, runs: readonly Run[]): Promise<Run[]> {
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
        if (await stream.has(sequence)) this.seen.set(name, { sequence, checkedAt: now });
        else this.seen.delete(name);
      }),
    );
    return runs.filter((run) => !this.seen.has(nameOfRun(run)));
  }
}

function nameOfOrder({ task, digest }: Order): string {
  return `${formatKey(keyOf(task))}#${digest}`;
}

function nameOfRun(run: Run): string {
  return `${formatKey(run)}#${run.digest}`;
}
