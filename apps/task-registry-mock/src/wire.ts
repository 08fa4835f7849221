import {
  cutText,
  errorCodeList,
  parseKey,
  formatKey,
  runnerIdSchema,
  type TaskKey,
  type taskRegistry,
} from '@necrocode/contracts';
import { verdictOn } from './attempt-limits.js';
import { earlierAttempts, lastEndingOf } from './attempts.js';
import type { ClaimOutcome } from './claim-task.js';
import { decidedCommitOf, earlierCommits } from './decided-commit.js';
import { badRequest } from './refusals.js';
import type { Refusal } from './refuse-task.js';
import type { Change, RegistryLimits, Sql } from './registry.js';
import { documentOf, type Run } from './runs.js';
import { stateToWire } from './task-states.js';

/** @throws INVALID_ARGUMENT for a key that is missing or malformed */
export function readKey(key: taskRegistry.TaskKey | undefined): TaskKey {
  const known = key && parseKey(formatKey(key));
  if (!known) throw badRequest('key: spec_name and task_id are required and must be well-formed');
  return known;
}

/** @throws INVALID_ARGUMENT without an id, and for one that is no name */
export function readRunnerId(runnerId: string): string {
  const { error } = runnerIdSchema.safeParse(runnerId);
  if (error) throw badRequest(`runner_id: ${error.issues[0]?.message ?? 'is not valid'}`);
  return runnerId;
}

/** Of why a message was refused: it is told in several places. */
const mostReasonLength = 64_000;

/** @throws INVALID_ARGUMENT for a code outside the closed list */
export function readRefusal(request: taskRegistry.RefuseTaskRequest): Refusal {
  const code = errorCodeList.find((known) => known === request.code);
  if (!code) throw badRequest('code: not one of the error codes of the system');
  const { runnerId, message, original, traceId } = request;
  return { runnerId, code, message: cutText(message, mostReasonLength), original, traceId };
}

export function claimOutcomeToWire(
  { sql, limits }: Change,
  outcome: ClaimOutcome,
): taskRegistry.ClaimTaskResponse {
  switch (outcome.kind) {
    case 'granted':
      return { granted: grantToWire(sql, outcome.run, limits) };
    case 'already_handled':
      return { alreadyHandled: { state: stateToWire(outcome.run.state), run: outcome.run.run } };
    case 'parked':
      return { parked: { reason: outcome.reason } };
    case 'conflict':
      return { conflict: { code: outcome.code, message: outcome.message } };
  }
}

function grantToWire(sql: Sql, run: Run, limits: RegistryLimits): taskRegistry.ClaimTaskResponse_Granted {
  return {
    lease: { fencingToken: BigInt(run.fencingToken), expiresAt: new Date(run.leaseExpiresAt ?? 0) },
    run: run.run,
    attempt: run.attempt,
    checkpointJson: documentOf(sql, run, 'checkpoint'),
    decided: decidedCommitOf(run),
    earlierCommits: earlierCommits(sql, run),
    earlierAttempts: earlierAttempts(sql, run),
    createdAt: new Date(run.createdAt),
    startedAt: new Date(run.startedAt ?? run.createdAt),
    lastLook: run.decidedJson === null ? undefined : verdictOn(run, limits, lastEndingOf(sql, run)),
  };
}
