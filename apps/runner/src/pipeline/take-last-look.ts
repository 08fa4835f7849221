import { RunnerError } from '@necrocode/contracts';
import type { Attempt } from './attempt.js';
import type { Outcome } from './outcome.js';
import type { LastLook, Slot } from './ports.js';
import { notThereWhenAsked } from './stages/confirm-push.js';
import { leaseSlot } from './stages/lease-slot.js';
import { lookForPush } from './stages/look-for-push.js';

/**
 * How a run ends that nobody may work on any more, though its commit is decided: an attempt that could not
 * tell may have pushed it, and what the remote has accepted counts. A remote that cannot be asked is asked by
 * another attempt.
 *
 * @param hold is told of the slot as soon as there is one
 */
export async function takeLastLook(
  attempt: Attempt,
  verdict: LastLook,
  hold: (slot: Slot) => void,
): Promise<Outcome> {
  const { task, record, stages, work, services, tell, log } = attempt;
  const { decided } = record;
  try {
    if (!decided) throw new RunnerError('internal', 'a last look needs a decided commit');
    record.branch = decided.branch;
    const slot = await leaseSlot(attempt);
    hold(slot);
    record.pushed = await stages.run('push', () =>
      lookForPush(task, slot, decided, services.settings.git, work.signal),
    );
    log.info({ pushed: record.pushed, code: verdict.code }, 'the remote was asked for the decided commit');
    if (!record.pushed) {
      record.warn(notThereWhenAsked);
      return outcomeOfVerdict(verdict);
    }
    tell('BranchPushed', { branch: decided.branch, commit: decided.commit });
    return { kind: 'done' };
  } catch (error) {
    return { kind: 'given_back', error: RunnerError.from(work.signal.aborted ? work.signal.reason : error) };
  }
}

function outcomeOfVerdict({ code, message }: LastLook): Outcome {
  if (code === 'cancelled') return { kind: 'cancelled', stage: null };
  return { kind: 'failed', error: new RunnerError(code, message), stage: null };
}
