import { formatKey, keyOf } from '@necrocode/contracts';
import { admitInTurn, isOverShare } from './fair-share.js';
import { grantLease, hasExpired, isForLastLook, takeOverLease } from './lease.js';
import { block, openRun, type OpenedRun, type Order } from './open-run.js';
import { recordEvent } from './outbox.js';
import type { Change } from './registry.js';
import { freeInRepository } from './repository-limit.js';
import { adoptTrace, findRun, findRunByDigest, type Run } from './runs.js';

export interface Claim {
  readonly order: Order;
  readonly runnerId: string;
  readonly leaseSeconds: number;
}

export type ClaimOutcome =
  | { readonly kind: 'granted'; readonly run: Run }
  | { readonly kind: 'already_handled'; readonly run: Run }
  | { readonly kind: 'parked'; readonly reason: string }
  | { readonly kind: 'conflict'; readonly code: string; readonly message: string };

/** Decides what becomes of a delivered task (DESIGN section 2, "Same key again"). */
export function claimTask(change: Change, claim: Claim): ClaimOutcome {
  const { order } = claim;
  const current = findRun(change.sql, keyOf(order.task));
  if (!current) return claimOpened(change, claim, openRun(change, order));
  const same = runOfContent(change, current, order.digest);
  if (same) return claimKnown(change, claim, same);
  const conflict = keyConflict(current);
  if (!conflict) return claimOpened(change, claim, openRun(change, order));
  recordEvent(change, current, 'TaskRefused', {
    code: 'key_conflict',
    message: conflict,
    digest: order.digest,
  });
  return { kind: 'conflict', code: 'key_conflict', message: conflict };
}

/** The run that a content belongs to: an old message must not start anything anew. */
export function runOfContent({ sql }: Change, current: Run, digest: string): Run | undefined {
  return current.digest === digest ? current : findRunByDigest(sql, current.task, digest);
}

/** Why other content under a known key cannot become its next run; undefined when it can. */
export function keyConflict(current: Run): string | undefined {
  if (current.state === 'failed' || current.state === 'cancelled') return undefined;
  return `${formatKey(current)} is taken: its run ${current.run} is ${current.state} and has other content`;
}

function claimOpened(change: Change, claim: Claim, opened: OpenedRun): ClaimOutcome {
  switch (opened.kind) {
    case 'ready':
      return claimReady(change, claim, opened.run);
    case 'blocked':
      return { kind: 'parked', reason: opened.run.blockedReason };
    case 'cancelled':
      return { kind: 'already_handled', run: opened.run };
    case 'failed':
      return { kind: 'conflict', code: opened.code, message: opened.message };
  }
}

function claimKnown(change: Change, claim: Claim, known: Run): ClaimOutcome {
  const expired = known.state === 'running' && hasExpired(known, change.now);
  const run = expired ? takeOverLease(change, known) : known;
  if (run.state === 'ready') return claimReady(change, claim, run);
  if (run.state === 'blocked') return { kind: 'parked', reason: run.blockedReason };
  // Running under a live lease: when that ends without a result, the registry publishes the task again.
  return { kind: 'already_handled', run };
}

function claimReady(change: Change, { runnerId, leaseSeconds, order }: Claim, run: Run): ClaimOutcome {
  const { traceparent } = order;
  const applicant = { runnerId, leaseSeconds, traceparent };
  // Looking at the remote is no work that could be too much for it.
  if (isForLastLook(run, change.limits)) {
    return { kind: 'granted', run: grantLease(change, adoptTrace(change, run, traceparent), applicant) };
  }
  if (freeInRepository(change, run.repository) <= 0) {
    const { maxInFlightPerRepo } = change.limits;
    const reason = `waits for one of ${maxInFlightPerRepo} running tasks of its repository to end`;
    const { blockedReason } = block(change, run, 'repository_limit', reason);
    admitInTurn(change);
    return { kind: 'parked', reason: blockedReason };
  }
  if (isOverShare(change, run)) {
    const reason = 'waits for its turn: tasks of other repositories are ready';
    return { kind: 'parked', reason: block(change, run, 'fair_share', reason).blockedReason };
  }
  const granted = grantLease(change, adoptTrace(change, run, traceparent), applicant);
  admitInTurn(change);
  return { kind: 'granted', run: granted };
}
