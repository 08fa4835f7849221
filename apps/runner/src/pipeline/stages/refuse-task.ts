import { formatKey, formatProblems, type Problem, type TaskKey } from '@necrocode/contracts';
import { annotateSpan, markSpanFailed, withSpan } from '@necrocode/telemetry';
import { isBreakage } from '../is-breakage.js';
import type { Handled } from '../../intake/settle.js';
import type { Delivery, Services } from '../services.js';

const registryAwaySeconds = 5;

/** Records a message that is no valid task, in the registry and as a dead letter. It is never tried again. */
export async function refuseTask(
  delivery: Delivery,
  invalid: { readonly problems: readonly Problem[]; readonly key: TaskKey | undefined },
  services: Services,
): Promise<Handled> {
  const reason = formatProblems(invalid.problems);
  const task = invalid.key && formatKey(invalid.key);
  annotateSpan({ ...(task && { 'necrocode.task.id': task }), 'necrocode.status': 'failed' });
  markSpanFailed('invalid_task', reason);
  const attributes = { 'necrocode.runner.id': services.runnerId, 'necrocode.stage': 'claim' };
  return withSpan('refuse', { attributes }, async () => {
    services.log.warn(
      { task, subject: delivery.subject, problems: invalid.problems },
      'invalid task refused',
    );
    try {
      const code = 'invalid_task';
      await services.registry.refuse({ key: invalid.key, code, message: reason, original: delivery.body });
      await services.bury({ delivery, code, reason });
      return { kind: 'refused', reason };
    } catch (error) {
      if (isBreakage(error)) throw error;
      services.log.warn({ task, error }, 'the refusal could not be recorded; the message comes again');
      return { kind: 'unsettled', delaySeconds: registryAwaySeconds };
    }
  });
}
