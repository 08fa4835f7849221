import { parseTask, RunnerError } from '@necrocode/contracts';
import type { Delivery, Services } from '../pipeline/services.js';
import type { Handled } from './settle.js';

/** Times that one runner lets a message break it. */
const mostBreaks = 5;
/** Messages whose breaks are counted, of those the newest. */
const mostCounted = 1_000;
const firstDelaySeconds = 2;
const buryAgainSeconds = 60;

/**
 * What becomes of a message whose handling broke in a way that nobody foresaw. It comes again a few times,
 * since the trouble may be the runner's; then it is recorded and ended, since it may be the message's.
 */
export class LastResort {
  private readonly breaks = new Map<string, number>();

  constructor(private readonly services: Pick<Services, 'registry' | 'bury' | 'log'>) {}

  async judge(delivery: Delivery, error: unknown): Promise<Handled> {
    const count = this.count(delivery.messageId);
    const { subject } = delivery;
    this.services.log.error({ error, subject, count }, 'handling a message broke');
    if (count < mostBreaks) return { kind: 'unsettled', delaySeconds: firstDelaySeconds ** count };
    const { code, message } = RunnerError.from(error);
    const reason = `handling the message broke ${count} times; the last time: ${message}`;
    try {
      // What the registry cannot take in either is in the dead letter.
      await this.services.registry
        .refuse({ key: keyOf(delivery.body), code, message: reason, original: delivery.body })
        .catch((refused: unknown) => this.services.log.error({ error: refused, subject }, 'not recorded'));
      await this.services.bury({ delivery, code, reason });
      this.breaks.delete(delivery.messageId);
      return { kind: 'refused', reason };
    } catch (unburied) {
      this.services.log.error({ error: unburied, subject }, 'no dead letter could be written');
      return { kind: 'unsettled', delaySeconds: buryAgainSeconds };
    }
  }

  private count(messageId: string): number {
    const count = (this.breaks.get(messageId) ?? 0) + 1;
    this.breaks.delete(messageId);
    this.breaks.set(messageId, count);
    const [oldest] = this.breaks.keys();
    if (this.breaks.size > mostCounted && oldest !== undefined) this.breaks.delete(oldest);
    return count;
  }
}

function keyOf(body: Uint8Array) {
  try {
    const parsed = parseTask(body);
    return parsed.kind === 'task'
      ? { specName: parsed.task.spec_name, taskId: parsed.task.task_id }
      : parsed.key;
  } catch {
    return undefined;
  }
}
