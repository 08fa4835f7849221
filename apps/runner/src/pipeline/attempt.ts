import { RunnerError, type Task } from '@necrocode/contracts';
import {
  activeTraceId,
  createLogger,
  durationHistogram,
  type Attributes,
  type Logger,
} from '@necrocode/telemetry';
import { AttemptRecord } from './attempt-record.js';
import { Budget } from './budget.js';
import type { Checkpoint } from './checkpoint.js';
import { EventFeed } from './event-feed.js';
import { LeaseKeeper } from './keep-leases.js';
import type { Claim, Lease } from './ports.js';
import { RunLog } from './run-log.js';
import { Stages, type TellEvent } from './run-stage.js';
import { StageClock } from './stage-clock.js';
import type { Delivery, Services } from './services.js';
import { WorkSignal } from './work-signal.js';

const queueWait = durationHistogram(
  'necrocode.task.queue_wait',
  'Time from the publication of a message to its attempt',
);

export type GrantedClaim = Extract<Claim, { kind: 'granted' }>;

/** An attempt in progress: what it knows, what it may use, and what it must end with `close`. */
export interface Attempt {
  readonly task: Task;
  readonly lease: Lease;
  readonly checkpoint: Checkpoint;
  readonly earlierCommits: readonly string[];
  readonly services: Services;
  readonly record: AttemptRecord;
  readonly budget: Budget;
  readonly stages: Stages;
  readonly work: WorkSignal;
  readonly tell: TellEvent;
  readonly events: EventFeed;
  readonly log: Logger;
  readonly runLog: RunLog;
  readonly startedAt: Date;
  readonly queueWaitMs: number;
  readonly traceId: string | undefined;
  /** Of every span of the attempt. */
  readonly attributes: Attributes;
  readonly leases: LeaseKeeper;
  readonly clock: StageClock;
  /** Output of a command, for whoever watches. */
  showOutput(text: string): void;
  close(): void;
}

/** Starts the attempt's clock, log, events and lease renewal. */
export function openAttempt(
  task: Task,
  { claim, claimMs }: { readonly claim: GrantedClaim; readonly claimMs: number },
  delivery: Delivery,
  services: Services,
): Attempt {
  const { lease } = claim;
  const { settings, registry, pool } = services;
  const runLog = new RunLog();
  const log = createLogger({
    name: 'task',
    level: services.logLevel === 'silent' ? 'info' : services.logLevel,
    mask: services.mask,
    write: (line) => {
      runLog.add(line);
      services.tellLive(lease.key, line);
      if (services.logLevel !== 'silent') process.stderr.write(line);
    },
  }).child({ task: `${task.spec_name}/${task.task_id}`, run: lease.run, attempt: lease.attempt });
  const events = new EventFeed(registry, log);
  events.open(lease);
  const tell: TellEvent = (type, data) => events.add(type, data);
  const work = new WorkSignal(task.timeout_seconds ?? settings.timeoutSeconds, services.shutdown);
  const record = new AttemptRecord();
  record.decided = claim.decided;
  record.pushUnclear = claim.decided !== undefined;
  record.resume(claim.checkpoint);
  const clock = new StageClock(settings.stageTimeouts, work, delivery.life);
  const stages = new Stages(log, tell, clock);
  stages.note('claim', claimMs);
  // A last look at the remote is what a cancelled run waits for.
  const cancellable = claim.lastLook === undefined;
  const kept = { registry, pool, lease, life: delivery.life, work, log };
  const leases = new LeaseKeeper(kept, settings.leases, cancellable);
  const queueWaitMs = Math.max(0, Date.now() - delivery.publishedAt.getTime());
  queueWait.record(queueWaitMs / 1000);
  const leaveDesk = cancellable
    ? services.cancels.enter(lease.key, () =>
        work.end(new RunnerError('cancelled', 'the task was cancelled')),
      )
    : () => undefined;
  return {
    task,
    lease,
    checkpoint: claim.checkpoint,
    earlierCommits: claim.earlierCommits,
    services,
    record,
    budget: new Budget(task, settings.budget),
    stages,
    attributes: attributesOf(task, lease, services.runnerId),
    work,
    tell,
    events,
    log,
    runLog,
    startedAt: new Date(),
    queueWaitMs,
    traceId: activeTraceId(),
    leases,
    clock,
    showOutput: (text) => services.tellLive(lease.key, JSON.stringify({ output: services.mask(text) })),
    close: () => {
      leaveDesk();
      leases.close();
      work.close();
    },
  };
}

/** Attributes by which the spans of a task and an attempt are found. */
export function attributesOf(task: Task, lease: Lease | undefined, runnerId: string): Attributes {
  return {
    'necrocode.task.id': `${task.spec_name}/${task.task_id}`,
    'necrocode.runner.id': runnerId,
    ...(lease && { 'necrocode.run': lease.run, 'necrocode.attempt': lease.attempt }),
  };
}
