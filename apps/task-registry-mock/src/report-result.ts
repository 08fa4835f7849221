import { taskResultSchema, type TaskKey, type TaskResult } from '@necrocode/contracts';
import { keepArtifacts } from './attempt-progress.js';
import { decidedCommitOf } from './decided-commit.js';
import { endRun } from './end-run.js';
import { holdLease } from './lease.js';
import { badDocument, badRequest, notNow } from './refusals.js';
import type { Change } from './registry.js';
import { nameOf, requireRun, type Run } from './runs.js';
import { hasEnded, type RunState } from './task-states.js';

/**
 * Reads a result.
 *
 * @throws INVALID_ARGUMENT that names every problem
 */
export function readResult(json: string): TaskResult {
  const parsed = taskResultSchema.safeParse(parseJson(json));
  if (!parsed.success) throw badDocument('result', parsed.error);
  return parsed.data;
}

/**
 * Ends a run as its runner reports. The first report wins: of a later one only the standing state is told.
 *
 * @throws INVALID_ARGUMENT for a result of another task, FAILED_PRECONDITION when the lease is lost or
 *   the result claims another commit than the decided one
 */
export function reportResult(
  change: Change,
  key: TaskKey,
  fencingToken: bigint,
  result: TaskResult,
): { readonly state: RunState; readonly accepted: boolean } {
  if (result.spec_name !== key.specName || result.task_id !== key.taskId) {
    throw badRequest('result: spec_name and task_id must be those of the key');
  }
  const current = requireRun(change.sql, key);
  if (result.run > current.run) throw badRequest(`result: run ${result.run} is not known yet`);
  const earlier = result.run < current.run ? stateOfRun(change, current, result.run) : current.state;
  if (hasEnded(earlier)) return { state: earlier, accepted: false };
  const run = holdLease(change.sql, key, fencingToken);
  assertDecidedCommit(run, result);
  keepArtifacts(change, run, result.artifacts);
  return { state: endRun(change, run, result).state, accepted: true };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest('result: not JSON');
  }
}

function stateOfRun({ sql }: Change, { task }: Run, run: number): RunState {
  const row = sql('SELECT state FROM runs WHERE task = ? AND run = ?').get(task, run) as { state: RunState };
  return row.state;
}

function assertDecidedCommit(run: Run, result: TaskResult): void {
  const decided = decidedCommitOf(run);
  if (result.status !== 'done' || !decided || decided.commit === result.commit) return;
  throw notNow(
    `${nameOf(run)} has decided commit ${decided.commit}; the result names ${result.commit ?? 'none'}`,
  );
}
