import { formatKey, keyOfCancelSubject, streams, subjects } from '@necrocode/contracts';
import { ensureControlStream, type NatsConnection } from '@necrocode/messaging';
import type { Logger } from '@necrocode/telemetry';
import type { StoredMsg } from '@nats-io/jetstream';
import { cancelAsAsked } from './cancel-task.js';
import { LookAgain } from './look-again.js';
import type { Registry } from './registry.js';
import { lookAtStream } from './stored-messages.js';
import { isBehind, positionIn, savePosition } from './stream-position.js';

/** Marks the registry's own cancel messages: heard late, one must not cancel the task's next run. */
export const originHeader = 'Necrocode-Origin';
export const origin = 'task-registry';

const control = { name: streams.control.name, subjects: subjects.allCancels };
const idleMs = 10_000;
const faultPauseMs = 1_000;

/**
 * Takes in the requests to cancel that came over NATS, each once and in order, also those that came while nobody
 * listened. How far it is stands in the database, changed together with what a request does. So a request that
 * an earlier process had received, but not taken in, waits for nothing.
 */
export class ControlFeed {
  private readonly stopping = new AbortController();
  private readonly again = new LookAgain(idleMs);
  private waiting: (() => void)[] = [];
  private readonly finished: Promise<void>;

  constructor(
    private readonly registry: Registry,
    private readonly connection: NatsConnection,
    private readonly logger: Logger,
  ) {
    connection.subscribe(subjects.allCancels, { callback: () => this.again.heard() });
    this.finished = this.run();
  }

  /** Resolves once all that is stored now has been taken in, or with `stop`. */
  caughtUp(): Promise<void> {
    return new Promise((resolve) => {
      if (this.stopping.signal.aborted) return resolve();
      this.waiting.push(resolve);
      this.again.heard();
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.finished;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let retry: LookAgain | undefined;
    while (!signal.aborted) {
      const asked = [...this.waiting];
      try {
        await this.takeIn();
        this.waiting = this.waiting.filter((resolve) => !asked.includes(resolve));
        for (const resolve of asked) resolve();
        retry = undefined;
      } catch (error) {
        if (signal.aborted) return;
        this.logger.warn({ error }, 'requests to cancel cannot be taken in');
        retry ??= new LookAgain(faultPauseMs);
      }
      await (retry ?? this.again).due(signal);
    }
  }

  private async takeIn(): Promise<void> {
    const stream = await lookAtStream(this.connection, control, () => ensureControlStream(this.connection));
    const known = positionIn(this.registry.sql, control.name, stream.createdAt);
    // From the last one on, which may be another one by now; all of them where the stream has lost its end.
    let next = known.sequence <= stream.lastSequence ? known.sequence : stream.firstSequence;
    while (next <= stream.lastSequence && !this.stopping.signal.aborted) {
      const message = await stream.from(next);
      if (!message) return;
      if (isBehind(known, message)) this.hear(message, stream.createdAt);
      next = message.seq + 1;
    }
  }

  private hear(message: StoredMsg, createdAt: number): void {
    const key = keyOfCancelSubject(message.subject);
    const time = message.time.getTime();
    const isOwn = message.header.get(originHeader) === origin;
    this.registry.change((change) => {
      savePosition(change, control.name, { createdAt, sequence: message.seq, time });
      if (key && !isOwn) cancelAsAsked(change, { key, reason: reasonOf(message), askedAt: time });
    });
    if (key && !isOwn) this.logger.info({ task: formatKey(key) }, 'asked over NATS to cancel');
  }
}

/** A cancel message may hold `{"reason": "…"}`, plain text or nothing. */
function reasonOf(message: StoredMsg): string {
  const text = message.string().slice(0, 1_000);
  try {
    const document: unknown = JSON.parse(text);
    const reason = (document as { reason?: unknown } | null)?.reason;
    return typeof reason === 'string' ? reason : '';
  } catch {
    return text;
  }
}
