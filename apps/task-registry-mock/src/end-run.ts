import {
  errorCodes,
  type ArtifactRef,
  type ErrorCode,
  type EventType,
  type TaskResult,
  type TerminalStatus,
} from '@necrocode/contracts';
import { endAttempt } from './attempts.js';
import {
  blockedDependants,
  dependenciesAreMet,
  dependencyStanding,
  type DependencyStanding,
} from './dependencies.js';
import { decidedCommitOf } from './decided-commit.js';
import { unblock } from './make-ready.js';
import { publishDeadLetter, publishResult, recordEvent } from './outbox.js';
import type { Change } from './registry.js';
import { admitWaiting } from './repository-limit.js';
import { saveDocument, updateRun, type Run } from './runs.js';
import { usageSoFar } from './usage-so-far.js';

/**
 * Ends a run with its result, and with it the waiting of others: dependants of a task that is done may
 * become ready, those of one that is not fail too, and so do theirs.
 */
export function endRun(change: Change, run: Run, result: TaskResult): Run {
  const ended = finish(change, run, result);
  const endings = [ended];
  for (const ending of endings) {
    for (const dependant of blockedDependants(change.sql, ending)) {
      const failure = ending.state === 'done' ? undefined : failureThrough(change, ending, dependant);
      if (failure) endings.push(finish(change, dependant, registryResult(change, dependant, failure)));
      else if (ending.state === 'done') unblockIfMet(change, dependant);
    }
  }
  for (const repository of new Set(endings.map((ending) => ending.repository)))
    admitWaiting(change, repository);
  return ended;
}

/** Why the registry itself ends a run. */
export interface RegistryVerdict {
  readonly status: Exclude<TerminalStatus, 'done'>;
  readonly code: ErrorCode;
  readonly message: string;
  /** What the registry could not know. */
  readonly warning?: string;
  readonly traceId?: string;
}

/** Ends a run for a reason of the registry's own, for which no runner reports. */
export function endRunWith(change: Change, run: Run, verdict: RegistryVerdict): Run {
  return endRun(change, run, registryResult(change, run, verdict));
}

/** What a run with such dependencies ends with; undefined when it can go on or wait. */
export function dependencyVerdict(standing: DependencyStanding): RegistryVerdict | undefined {
  switch (standing.kind) {
    case 'met':
    case 'open':
      return undefined;
    case 'failed':
      return {
        status: 'failed',
        code: 'dependency_failed',
        message: `it depends on ${standing.dependency}, which is ${standing.state}`,
      };
    case 'cycle':
      return {
        status: 'failed',
        code: 'dependency_cycle',
        message: `its dependencies form a cycle: ${standing.path.join(' -> ')}`,
      };
  }
}

const endEvents = {
  done: 'TaskCompleted',
  failed: 'TaskFailed',
  cancelled: 'TaskCancelled',
} as const satisfies Record<TerminalStatus, EventType>;

function finish(change: Change, run: Run, result: TaskResult): Run {
  endAttempt(change, run, result.status);
  const ended = updateRun(change, run, {
    state: result.status,
    leaseExpiresAt: null,
    blockedBy: null,
    blockedReason: '',
    finishedAt: change.now,
  });
  saveDocument(change, ended, 'result', JSON.stringify(result));
  recordEvent(change, ended, endEvents[result.status], {
    branch: result.branch,
    commit: result.commit,
    pushed: result.pushed,
    attempts: result.attempts,
    rounds: result.rounds,
    ...(result.error && {
      code: result.error.code,
      message: result.error.message,
      stage: result.error.stage,
    }),
  });
  publishResult(change, ended, result);
  // What nobody could finish also goes where people look for it.
  if (result.error?.code === 'attempts_exhausted') publishDeadLetter(change, ended, result.error);
  return ended;
}

function failureThrough(change: Change, ending: Run, dependant: Run): RegistryVerdict | undefined {
  const standing = dependencyStanding(change.sql, dependant);
  return (
    dependencyVerdict(standing) ??
    dependencyVerdict({ kind: 'failed', dependency: ending.taskId, state: ending.state })
  );
}

function unblockIfMet(change: Change, dependant: Run): void {
  if (dependant.blockedBy !== 'dependencies') return;
  if (dependenciesAreMet(change.sql, dependant)) unblock(change, dependant);
}

function registryResult(change: Change, run: Run, verdict: RegistryVerdict): TaskResult {
  const decided = decidedFacts(run);
  const { code, message, status, warning } = verdict;
  return {
    schema_version: 1,
    task_id: run.taskId,
    spec_name: run.specName,
    run: run.run,
    status,
    runner_id: run.runnerId || null,
    attempt: run.attempt,
    attempts: run.attempt,
    rounds: 0,
    ...decided,
    pushed: false,
    tests: [],
    artifacts: artifactsOf(change, run),
    usage: usageSoFar(change.sql, run),
    timings: {},
    queue_wait_ms: null,
    started_at: run.startedAt === null ? null : new Date(run.startedAt).toISOString(),
    finished_at: new Date(change.now).toISOString(),
    sandbox: null,
    error: { code, message, stage: run.stage || null, retryable: errorCodes[code].retryable },
    ...(warning === undefined ? {} : { warnings: [warning] }),
    trace_id: verdict.traceId ?? traceIdOf(run.traceparent),
  };
}

type DecidedFacts = Pick<TaskResult, 'branch' | 'commit' | 'tree' | 'base_commit' | 'files_changed'>;

function decidedFacts(run: Run): DecidedFacts {
  const decided = decidedCommitOf(run);
  if (!decided) return { branch: null, commit: null, tree: null, base_commit: null, files_changed: [] };
  const { branch, commit, tree, baseCommit, filesChanged } = decided;
  return { branch, commit, tree, base_commit: baseCommit, files_changed: filesChanged };
}

function artifactsOf({ sql }: Change, run: Run): ArtifactRef[] {
  return sql(
    'SELECT type, uri, size_bytes, sha256 FROM artifacts WHERE task = ? AND run = ? ORDER BY id',
  ).all(run.task, run.run) as unknown as ArtifactRef[];
}

/** The trace id of a W3C traceparent. */
function traceIdOf(traceparent: string): string | null {
  return /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent)?.[1] ?? null;
}
