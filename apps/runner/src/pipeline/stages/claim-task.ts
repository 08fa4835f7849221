import { RunnerError, type Task } from '@necrocode/contracts';
import { markSpanFailed, withSpan } from '@necrocode/telemetry';
import type { Handled } from '../../intake/settle.js';
import { isBreakage } from '../is-breakage.js';
import { attributesOf, type GrantedClaim } from '../attempt.js';
import type { Delivery, Services } from '../services.js';

export type Claimed =
  | { readonly kind: 'granted'; readonly claim: GrantedClaim; readonly claimMs: number }
  | { readonly kind: 'handled'; readonly handled: Handled };

const registryAwaySeconds = 5;

/** Asks the registry for the right to work on the task. Everything but a grant ends the delivery here. */
export async function claimTask(task: Task, delivery: Delivery, services: Services): Promise<Claimed> {
  const attributes = { ...attributesOf(task, undefined, services.runnerId), 'necrocode.stage': 'claim' };
  return withSpan('claim', { attributes }, async (span) => {
    const key = `${task.spec_name}/${task.task_id}`;
    const started = performance.now();
    try {
      const claim = await services.registry.claim(task, delivery, services.shutdown);
      span.setAttribute('necrocode.claim', claim.kind);
      switch (claim.kind) {
        case 'granted':
          return { kind: 'granted', claim, claimMs: performance.now() - started };
        case 'already_handled':
        case 'parked':
          services.log.info({ task: key, ...claim }, 'nothing to do for this delivery');
          return handled({ kind: 'settled', because: claim });
        case 'conflict':
          markSpanFailed(claim.code, claim.message);
          services.log.warn(
            { task: key, code: claim.code, reason: claim.message },
            'task refused by the registry',
          );
          await services.bury({ delivery, code: claim.code, reason: claim.message });
          return handled({ kind: 'refused', reason: claim.message });
      }
    } catch (thrown) {
      if (isBreakage(thrown)) throw thrown;
      const error = RunnerError.from(thrown);
      markSpanFailed(error.code, error.message);
      services.log.warn({ task: key, error }, 'the claim failed; the message comes again');
      return handled({ kind: 'unsettled', delaySeconds: registryAwaySeconds });
    }
  });
}

function handled(value: Handled): Claimed {
  return { kind: 'handled', handled: value };
}
