import { RunnerError, type TaskError, type TerminalStatus } from '@necrocode/contracts';
import type { AwayReason } from '@necrocode/workspace';
import type { PushProof } from './stages/confirm-push.js';

/** How an attempt ended. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: RunnerError; readonly stage: string | null }
  | { readonly kind: 'cancelled'; readonly stage: string | null }
  /** Another attempt should go on where this one stopped. */
  | { readonly kind: 'given_back'; readonly error: RunnerError };

/**
 * Troubles of the fleet, not of the task: worth another attempt. All other errors end the run. How many
 * attempts there are and how long each of them waits is the registry's to say, which sees all of them.
 */
const fleetTroubles: ReadonlySet<string> = new Set([
  'no_slot',
  'lease_lost',
  'shutting_down',
  'registry_unavailable',
  'repo_pool_unavailable',
  'artifact_store_unavailable',
  'sandbox_unavailable',
  'workspace_failed',
  // What git says of the repository or the remote has codes of its own.
  'git_failed',
  'internal',
]);

/** What a thrown error means for the attempt. */
export function outcomeOf(thrown: unknown, stage: string | null): Outcome {
  const error = RunnerError.from(thrown);
  if (error.code === 'cancelled') return { kind: 'cancelled', stage };
  if (fleetTroubles.has(error.code) || isAway(error)) return { kind: 'given_back', error };
  return { kind: 'failed', error, stage };
}

/** Whether the way to the remote failed, not the remote. A host that nobody knows ends the run. */
function isAway({ code, reason }: RunnerError): boolean {
  const away: AwayReason = 'network';
  return (code === 'repo_unreachable' || code === 'push_failed') && reason === away;
}

/** What the remote has accepted counts, and nobody may say that it has not before it was asked. */
export function withProof(outcome: Outcome, proof: PushProof): Outcome {
  if (proof === 'pushed') return { kind: 'done' };
  if (proof === 'not_pushed' || outcome.kind === 'given_back' || outcome.kind === 'done') return outcome;
  const cause = outcome.kind === 'failed' ? outcome.error : undefined;
  const message = `it is not known whether the remote has the commit: ${cause?.message ?? 'the task was cancelled'}`;
  return { kind: 'given_back', error: new RunnerError('push_failed', message, { cause }) };
}

export function statusOf(outcome: Exclude<Outcome, { kind: 'given_back' }>): TerminalStatus {
  return outcome.kind;
}

export function taskErrorOf(outcome: Exclude<Outcome, { kind: 'given_back' }>): TaskError | null {
  switch (outcome.kind) {
    case 'done':
      return null;
    case 'cancelled':
      return { code: 'cancelled', message: 'the task was cancelled', stage: outcome.stage, retryable: false };
    case 'failed': {
      const { code, message, retryable } = outcome.error;
      return { code, message, stage: outcome.stage, retryable };
    }
  }
}
