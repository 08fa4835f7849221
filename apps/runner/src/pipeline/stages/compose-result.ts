import type { SandboxLevel, Task, TaskResult } from '@necrocode/contracts';
import type { AttemptRecord } from '../attempt-record.js';
import { taskErrorOf, type Outcome } from '../outcome.js';
import type { Lease } from '../ports.js';
import { testRunOf } from './run-commands.js';

export interface ResultFacts {
  readonly task: Task;
  readonly lease: Lease;
  readonly runnerId: string;
  readonly outcome: Exclude<Outcome, { kind: 'given_back' }>;
  readonly record: AttemptRecord;
  readonly timings: Readonly<Record<string, number>>;
  readonly queueWaitMs: number;
  readonly startedAt: Date;
  readonly sandbox: SandboxLevel;
  readonly traceId: string | undefined;
}

/** The result as it is published. */
export function composeResult(facts: ResultFacts): TaskResult {
  const { task, lease, outcome, record } = facts;
  const { decided } = record;
  return {
    schema_version: 1,
    task_id: task.task_id,
    spec_name: task.spec_name,
    run: lease.run,
    status: outcome.kind,
    runner_id: facts.runnerId,
    attempt: lease.attempt,
    attempts: lease.attempt,
    rounds: record.rounds,
    branch: record.branch,
    commit: decided?.commit ?? null,
    tree: decided?.tree ?? null,
    base_commit: decided?.baseCommit ?? record.baseCommit,
    pushed: record.pushed,
    files_changed: [...(decided?.filesChanged ?? record.change?.overlay.keys() ?? [])].sort(),
    tests: (record.testRuns.at(-1) ?? []).map(testRunOf),
    artifacts: [...record.artifacts],
    usage: record.usage,
    timings: { ...facts.timings },
    queue_wait_ms: facts.queueWaitMs,
    started_at: facts.startedAt.toISOString(),
    finished_at: new Date().toISOString(),
    sandbox: facts.sandbox,
    error: taskErrorOf(outcome),
    ...(record.warnings.length > 0 ? { warnings: [...record.warnings] } : {}),
    trace_id: facts.traceId ?? null,
  };
}
