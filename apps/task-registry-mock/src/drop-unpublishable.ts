import { endRunWith } from './end-run.js';
import { publishDeadLetter } from './outbox.js';
import type { OutboxRow, OutboxStream } from './outbox-lane.js';
import type { Registry } from './registry.js';
import { findRunOf } from './runs.js';

/**
 * Takes a message out of the outbox that NATS refuses for good. A task that nobody can be given this way
 * fails; of anything else the registry knows what the message would have said.
 */
export function dropUnpublishable(
  registry: Registry,
  stream: OutboxStream,
  { id, task, run: number }: OutboxRow,
  reason: string,
): void {
  registry.change((change) => {
    change.sql('DELETE FROM outbox WHERE id = ?').run(id);
    if (stream !== 'tasks' || task === null || number === null) return;
    const run = findRunOf(change.sql, task, number);
    if (run?.state !== 'ready') return;
    const verdict = {
      code: 'invalid_task',
      message: `the task is too large to be published: ${reason}`,
    } as const;
    publishDeadLetter(change, endRunWith(change, run, { status: 'failed', ...verdict }), verdict);
  });
}
