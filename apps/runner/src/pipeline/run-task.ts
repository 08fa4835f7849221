import { parseTask } from '@necrocode/contracts';
import { annotateSpan, linkSpan, withInheritedAttributes } from '@necrocode/telemetry';
import type { Handled } from '../intake/settle.js';
import { choosePlaybook } from '../playbook/playbook.js';
import { openAttempt, type Attempt } from './attempt.js';
import { concludeAttempt } from './conclude-attempt.js';
import { outcomeOf, withProof, type Outcome } from './outcome.js';
import type { LastLook } from './ports.js';
import type { Delivery, Services } from './services.js';
import { claimTask } from './stages/claim-task.js';
import { leaseSlot } from './stages/lease-slot.js';
import { refuseTask } from './stages/refuse-task.js';
import { takeLastLook } from './take-last-look.js';
import { provePush, takeStep, type Progress } from './take-step.js';

/**
 * A task from the message to its end: claim, slot, change, proof, push, report. Returns what became of
 * it, which decides what becomes of the message; throws only when the runner itself is broken.
 */
export async function runTask(delivery: Delivery, services: Services): Promise<Handled> {
  const parsed = parseTask(delivery.body);
  if (parsed.kind === 'newer') return { kind: 'newer_schema' };
  if (parsed.kind === 'invalid') return refuseTask(delivery, parsed, services);

  const claimed = await claimTask(parsed.task, delivery, services);
  if (claimed.kind === 'handled') return claimed.handled;

  const attempt = openAttempt(parsed.task, claimed, delivery, services);
  try {
    annotateSpan(attempt.attributes);
    for (const earlier of claimed.claim.earlierAttempts) {
      linkSpan(earlier.traceparent, { 'necrocode.attempt': earlier.attempt });
    }
    return await withInheritedAttributes(attempt.attributes, async () => {
      const { lastLook } = claimed.claim;
      const { outcome, progress } = await (lastLook ? lookOnly(attempt, lastLook) : carryOut(attempt));
      return concludeAttempt(attempt, outcome, progress);
    });
  } finally {
    attempt.close();
  }
}

interface Carried {
  readonly outcome: Outcome;
  /** How far it came, also when it failed. */
  readonly progress: Progress;
}

/** Nobody may work on the run any more; only the remote can still say that it is done. */
async function lookOnly(attempt: Attempt, verdict: LastLook): Promise<Carried> {
  let progress: Progress = {};
  const outcome = await takeLastLook(attempt, verdict, (slot) => (progress = { slot }));
  return { outcome, progress };
}

/** Everything between the claim and the report; whatever is thrown on the way becomes an outcome. */
async function carryOut(attempt: Attempt): Promise<Carried> {
  const { task, stages, work } = attempt;
  let progress: Progress = {};
  try {
    const playbook = choosePlaybook(task.playbook);
    progress = { slot: await leaseSlot(attempt) };
    for (const step of playbook.steps) {
      work.signal.throwIfAborted();
      await takeStep(step.uses, attempt, progress, (further) => (progress = { ...progress, ...further }));
    }
    return { outcome: { kind: 'done' }, progress };
  } catch (error) {
    // What ended the work is the reason, whatever the interrupted call made of it.
    const reason: unknown = work.signal.aborted ? work.signal.reason : error;
    const outcome = outcomeOf(reason, stages.failedStage);
    const proof = await provePush(attempt, progress, outcome);
    return { outcome: withProof(outcome, proof), progress };
  }
}
