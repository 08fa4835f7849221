import type { TaskKey } from '@necrocode/contracts';
import type { Change } from './registry.js';
import type { Run } from './runs.js';

/** A request to cancel, as it came. */
export interface CancelRequest {
  readonly key: TaskKey;
  readonly reason: string;
  /** When it was stored, by the NATS server's clock, in milliseconds since 1970; undefined where it came by a call. */
  readonly askedAt: number | undefined;
}

/** Each stream stamps its messages by itself: what one connection sends in a row may seem turned round by this much. */
const simultaneousMs = 100;
const keptMs = 60 * 60 * 1000;

/** Whether a request is about what was published then. Both times are the server's; no other clock counts. */
export function isAbout(askedAt: number, publishedAt: number): boolean {
  return publishedAt <= askedAt + simultaneousMs;
}

/**
 * Keeps the cancelling of a key that is not known yet, for an hour: its task may have been published while the
 * registry was away. It counts for a message that was published before, and for no later one. A call
 * has no time of the server's: there the registry's clock must do.
 */
export function keepEarlyCancel({ sql, now }: Change, { key, reason, askedAt }: CancelRequest): void {
  sql('DELETE FROM early_cancels WHERE asked_at < ?').run(now - keptMs);
  sql(
    `INSERT INTO early_cancels (spec_name, task_id, reason, asked_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (spec_name, task_id) DO UPDATE SET reason = excluded.reason, asked_at = excluded.asked_at`,
  ).run(key.specName, key.taskId, reason, askedAt ?? now);
}

/** Why a run that has just become known is not to start; undefined where nobody had cancelled it. */
export function takeEarlyCancel({ sql, now }: Change, run: Run): string | undefined {
  const kept = sql(
    'DELETE FROM early_cancels WHERE spec_name = ? AND task_id = ? RETURNING reason, asked_at AS askedAt',
  ).get(run.specName, run.taskId) as { reason: string; askedAt: number } | undefined;
  if (!kept || run.publishedAt === null || !isAbout(kept.askedAt, run.publishedAt)) return undefined;
  return kept.askedAt < now - keptMs ? undefined : kept.reason;
}
