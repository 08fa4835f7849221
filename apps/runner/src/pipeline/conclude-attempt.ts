import { setTimeout as pause } from 'node:timers/promises';
import { noUsage, RunnerError } from '@necrocode/contracts';
import { annotateSpan, counter, durationHistogram, markSpanFailed } from '@necrocode/telemetry';
import type { Handled } from '../intake/settle.js';
import type { Attempt } from './attempt.js';
import type { Outcome } from './outcome.js';
import { composeResult } from './stages/compose-result.js';
import { drawDiff } from './stages/draw-diff.js';
import { reportResult } from './stages/report-result.js';
import { uploadArtifacts } from './stages/upload-artifacts.js';
import type { Progress } from './take-step.js';

const ended = counter('necrocode.tasks', 'Attempts by the way they ended');
const taskDuration = durationHistogram(
  'necrocode.task.duration',
  'Time of an attempt, from the claim to the report',
);

const usageDeadlineMs = 2_000;
const unreportedDelaySeconds = 10;
/** For one artifact. Whoever cancels a task waits for its end. */
const patienceMs = { done: 60_000, failed: 60_000, cancelled: 1_000 } as const;
/** For what a stage that was interrupted still has to end. */
const leftBehindMs = 1_000;

/**
 * Keeps what was achieved and tells how the attempt ended: artifacts, report, slot. It happens after
 * success, failure, time-out and cancellation alike.
 */
export async function concludeAttempt(
  attempt: Attempt,
  outcome: Outcome,
  progress: Progress,
): Promise<Handled> {
  const { log, services } = attempt;
  await attempt.clock.settle(leftBehindMs);
  await progress.commands?.settle();
  traceOutcome(attempt, outcome);
  ended.add(1, { 'necrocode.status': outcome.kind });
  taskDuration.record((Date.now() - attempt.startedAt.getTime()) / 1000, {
    'necrocode.status': outcome.kind,
  });
  try {
    return outcome.kind === 'given_back'
      ? await giveBack(attempt, outcome)
      : await report(attempt, outcome, progress);
  } catch (error) {
    const { code } = RunnerError.from(error);
    log.error({ error, code }, 'the attempt could not be reported');
    // A runner that lost its lease has nothing to say; whoever holds it now will.
    if (code === 'lease_lost') return { kind: 'settled' };
    return { kind: 'unsettled', delaySeconds: unreportedDelaySeconds };
  } finally {
    await progress.workspace?.close();
    await releaseSlot(attempt, progress);
    services.log.info({ task: attempt.lease.key, outcome: outcome.kind }, 'attempt ended');
  }
}

/** On the span of the whole attempt: what a search for tasks looks for. */
function traceOutcome({ record, stages, queueWaitMs }: Attempt, outcome: Outcome): void {
  const { decided, pushed, rounds, usage } = record;
  annotateSpan({
    'necrocode.status': outcome.kind,
    'necrocode.rounds': rounds,
    'necrocode.queue_wait_ms': queueWaitMs,
    'necrocode.llm.calls': usage.llm_calls,
    'necrocode.pushed': pushed,
    ...(decided && { 'necrocode.branch': decided.branch, 'necrocode.commit': decided.commit }),
  });
  if (outcome.kind !== 'failed' && outcome.kind !== 'given_back') return;
  const { code, message } = outcome.error;
  const stage = outcome.kind === 'failed' ? outcome.stage : stages.failedStage;
  if (stage !== null) annotateSpan({ 'necrocode.failed_stage': stage });
  // A runner that is asked to stop gives its tasks back in good order.
  if (code !== 'shutting_down') markSpanFailed(code, message);
}

async function giveBack(
  attempt: Attempt,
  outcome: Extract<Outcome, { kind: 'given_back' }>,
): Promise<Handled> {
  const { log, events, services, lease } = attempt;
  const { code, message } = outcome.error;
  log.warn({ code, reason: message, error: outcome.error }, 'task given back');
  if (code === 'lease_lost') return { kind: 'settled' };
  await events.close();
  await saveUsage(attempt);
  await services.registry.giveBack(lease, `${code}: ${message}`);
  return { kind: 'settled' };
}

/** What was paid for nothing belongs into the run's account; losing it is worth no long wait. */
async function saveUsage({ lease, record, services, log }: Attempt): Promise<void> {
  const { checkpoint, usage, unanswered } = record;
  if (usage.llm_calls === (checkpoint.usage ?? noUsage).llm_calls) return;
  const saved = services.registry
    .saveCheckpoint(lease, { ...checkpoint, usage, unanswered })
    .catch((error: unknown) => log.warn({ error }, 'the usage of the attempt was not saved'));
  await Promise.race([saved, pause(usageDeadlineMs, undefined, { ref: false })]);
}

async function report(
  attempt: Attempt,
  outcome: Exclude<Outcome, { kind: 'given_back' }>,
  { workspace, draft }: Progress,
): Promise<Handled> {
  const { lease, record, stages, services, events, runLog, log } = attempt;
  if (outcome.kind === 'failed') {
    const { code, message } = outcome.error;
    log.error({ code, reason: message, stage: outcome.stage, error: outcome.error }, 'task failed');
  }
  await stages
    .conclude('upload_artifacts', async () => {
      if (workspace && draft) record.diff = await drawDiff(record, workspace, draft);
      await uploadArtifacts(record, runLog.text, lease, services, patienceMs[outcome.kind]);
    })
    .catch((error: unknown) => record.warn(`artifacts: ${RunnerError.from(error).message}`));
  const told = await stages.conclude('report', async () => {
    await events.close();
    const result = composeResult({
      ...attempt,
      runnerId: services.runnerId,
      outcome,
      timings: stages.timings,
      sandbox: services.sandbox.level,
    });
    const patience = AbortSignal.timeout(services.settings.reportWaitMs);
    return reportResult(lease, result, services, AbortSignal.any([services.shutdown, patience]));
  });
  switch (told?.kind) {
    case undefined:
      log.warn('the report is in the spool; the message comes again');
      return { kind: 'unsettled', delaySeconds: unreportedDelaySeconds };
    case 'lease_lost':
      // Whoever holds the lease now will report.
      log.warn('the lease was lost before the report');
      return { kind: 'settled' };
    case 'told':
      if (!told.accepted) log.warn({ state: told.state }, 'the run had ended before');
      return { kind: 'settled' };
  }
}

async function releaseSlot(attempt: Attempt, { slot }: Progress): Promise<void> {
  if (!slot) return;
  const { stages, services, log, leases } = attempt;
  leases.releaseSlot();
  await stages
    .conclude('release_slot', () => services.pool.release(slot, { broken: false }))
    // Its lease expires, and the pool takes it back.
    .catch((error: unknown) => log.warn({ error }, 'the slot was not released'));
}
