import { counter, type Logger } from '@necrocode/telemetry';
import type { Refusal } from './refuse-task.js';

const refused = counter('necrocode.registry.unreadable_tasks', 'Refused messages without a readable key');

/** Messages that name no task leave no state behind, so they are counted and logged. */
export class UnreadableTasks {
  constructor(private readonly logger: Logger) {}

  note({ code, message, runnerId, traceId }: Refusal): void {
    refused.add(1, { code });
    this.logger.warn(
      { code, reason: message, runner_id: runnerId, trace_id: traceId },
      'unreadable task refused',
    );
  }
}
