import type { EventType } from '@necrocode/contracts';
import type { Logger } from '@necrocode/telemetry';
import type { Lease, RunEvent, TaskRegistry } from './ports.js';

/** A registry that takes longer for events than this gets the report without them. */
const closingMs = 5_000;

/** Sends an attempt's events to the registry in order and in batches, beside the work. */
export class EventFeed {
  private waiting: RunEvent[] = [];
  private sending: Promise<void> | undefined;
  private lease: Lease | undefined;
  private closed = false;

  constructor(
    private readonly registry: Pick<TaskRegistry, 'addEvents'>,
    private readonly log: Logger,
  ) {}

  /** Events before this moment have waited for the lease. */
  open(lease: Lease): void {
    this.lease = lease;
    this.send();
  }

  add(type: EventType, data: Readonly<Record<string, unknown>>): void {
    if (this.closed) return;
    this.waiting.push({ type, time: new Date(), data });
    this.send();
  }

  /**
   * Sends what is left, as far as the registry takes it within `atMostMs`. The report ends a run's history,
   * so what is added after it is dropped.
   */
  async close(atMostMs = closingMs): Promise<void> {
    this.closed = true;
    const late = AbortSignal.timeout(atMostMs);
    const over = new Promise<void>((resolve) => late.addEventListener('abort', () => resolve()));
    while (this.sending && !late.aborted) await Promise.race([this.sending, over]);
  }

  private send(): void {
    if (this.sending || !this.lease || this.waiting.length === 0) return;
    const batch = this.waiting;
    this.waiting = [];
    this.sending = this.registry
      .addEvents(this.lease, batch)
      .catch((error: unknown) => this.log.warn({ error, events: batch.length }, 'events were not recorded'))
      .finally(() => {
        this.sending = undefined;
        this.send();
      });
  }
}
