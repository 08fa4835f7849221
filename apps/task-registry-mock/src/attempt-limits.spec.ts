import { headers as names, keyOf, noUsage, taskResultSchema, type Usage } from '@necrocode/contracts';
import { createLogger } from '@necrocode/telemetry';
import { tempDir } from '@necrocode/testkit';
import { claimTask, type ClaimOutcome } from './claim-task.js';
import { hash, newSpec, resultOf, taskOf } from './contract/registry-client.js';
import { retryTask } from './create-task.js';
import { decideCommit } from './decided-commit.js';
import { holdLease, releaseLease } from './lease.js';
import { LeaseReaper } from './lease-reaper.js';
import { readOrder } from './open-run.js';
import { Registry } from './registry.js';
import { reportResult } from './report-result.js';
import { documentOf, requireRun, saveDocument } from './runs.js';
import { claimOutcomeToWire } from './wire.js';

describe('attempts of a run', () => {
  let now: number;
  let dataDir: string;
  let registry: Registry;

  const task = taskOf(newSpec(), '1');
  const key = keyOf(task);
  const json = `  ${JSON.stringify(task)}`;
  const open = () => {
    const limits = { maxInFlightPerRepo: 0, fairSharePerRepo: 0, maxAttempts: 3, maxLostAttempts: 4 };
    registry = new Registry({ dataDir, ...limits, now: () => now });
  };
  const claim = (): ClaimOutcome => {
    const order = readOrder(json, {});
    return registry.change((change) => claimTask(change, { order, runnerId: 'r', leaseSeconds: 30 }));
  };
  const release = (reason: string, delaySeconds = 0) =>
    registry.change((change) => {
      const { fencingToken } = requireRun(change.sql, key);
      return releaseLease(change, holdLease(change.sql, key, BigInt(fencingToken)), reason, delaySeconds);
    });
  const attempt = (reason: string, delaySeconds = 0) => {
    expect(claim().kind).toBe('granted');
    return release(reason, delaySeconds);
  };
  const crash = () => {
    expect(claim().kind).toBe('granted');
    now += 30_000;
    expect(new LeaseReaper(registry, createLogger({ name: 'spec', level: 'silent' })).reap()).toBe(1);
  };
  const run = () => requireRun(registry.sql, key);
  const result = () => taskResultSchema.parse(JSON.parse(documentOf(registry.sql, run(), 'result')));
  const outbox = (subjects: string) =>
    registry
      .sql('SELECT msg_id, headers_json, body, due_at FROM outbox WHERE subject LIKE ? ORDER BY id')
      .all(subjects) as { msg_id: string; headers_json: string; body: string; due_at: number }[];

  beforeEach(() => {
    now = Date.parse('2026-01-01T00:00:00Z');
    dataDir = tempDir();
    open();
  });
  afterEach(() => registry.close());

  it('[AR-8.3] end with the last one that fails: one result, one dead letter with the original bytes', () => {
    attempt('no_slot: none');
    attempt('repo_pool_unavailable: away');
    const usage: Usage = { ...noUsage, input_tokens: 7, llm_calls: 2 };
    registry.change((change) => saveDocument(change, run(), 'checkpoint', JSON.stringify({ usage })));
    expect(attempt('no_slot: none\nat all').state).toBe('failed');
    expect(result()).toMatchObject({ status: 'failed', attempts: 3, usage });
    expect(result().error).toMatchObject({ code: 'attempts_exhausted', retryable: false });
    expect(result().error?.message).toContain('no_slot: none\nat all');
    expect(outbox('necrocode.results.%')).toHaveLength(1);
    const [letter, ...more] = outbox('necrocode.dead.default');
    expect(more).toEqual([]);
    expect(letter).toMatchObject({ msg_id: `dead-${task.spec_name}/1#1`, body: json });
    expect(JSON.parse(letter?.headers_json ?? '')).toEqual({
      [names.deadCode]: 'attempts_exhausted',
      [names.deadReason]: '3 attempts failed; the last one: no_slot: none at all',
      [names.deadAttempts]: '3',
      [names.deadSubject]: 'necrocode.tasks.default.normal',
    });
    // Whatever is delivered afterwards starts nothing.
    expect(claim()).toMatchObject({ kind: 'already_handled', run: { state: 'failed' } });
  });

  it('[AR-7.5] do not count when runners were stopped, however often', () => {
    for (let n = 0; n < 20; n += 1) attempt('shutting_down: the runner stops');
    expect(run()).toMatchObject({ state: 'ready', attempt: 20, failedAttempts: 0, lostAttempts: 0 });
  });

  it('[AR-8.3] are counted apart when their runner died, and bounded as well', () => {
    crash();
    attempt('no_slot: none');
    crash();
    crash();
    expect(run()).toMatchObject({ state: 'ready', attempt: 4, failedAttempts: 1, lostAttempts: 3 });
    registry.close();
    open();
    crash();
    expect(run().state).toBe('failed');
    expect(result().error?.message).toBe(
      '4 attempts ended with their runners; the last one: its runner fell silent',
    );
    expect(outbox('necrocode.dead.default')).toHaveLength(1);
  });

  it('[AR-8.3] end a poisonous task also when each claim comes before the reaper', () => {
    for (let n = 0; n < 4; n += 1) {
      expect(claim().kind).toBe('granted');
      now += 30_000;
    }
    expect(claim()).toMatchObject({ kind: 'already_handled', run: { state: 'failed' } });
    expect(outbox('necrocode.dead.default')).toHaveLength(1);
  });

  it('[AR-5.4] end with a look at the remote where the commit is decided, and with a dead letter if it has it not', () => {
    attempt('no_slot: none');
    attempt('no_slot: none');
    claim();
    const commit = {
      commit: hash('1'),
      tree: hash('2'),
      baseCommit: hash('3'),
      branch: 'b',
      filesChanged: [],
    };
    registry.change((change) => decideCommit(change, run(), { ...commit, bundleUri: '', bundleSha256: '' }));
    expect(release('no_slot: at the end').state).toBe('ready');
    const granted = registry.change((change) => {
      const order = readOrder(json, {});
      return claimOutcomeToWire(change, claimTask(change, { order, runnerId: 'r', leaseSeconds: 30 }));
    });
    expect(granted.granted?.lastLook).toEqual({
      status: 'failed',
      code: 'attempts_exhausted',
      message: '3 attempts failed; the last one: no_slot: at the end',
    });
    const error = { code: 'attempts_exhausted', message: 'x', stage: null, retryable: false } as const;
    const failed = resultOf(task, 'failed', { error });
    registry.change((change) => reportResult(change, key, BigInt(run().fencingToken), failed));
    expect(outbox('necrocode.results.%')).toHaveLength(1);
    expect(outbox('necrocode.dead.default')).toHaveLength(1);
  });

  it('[AR-8.2] wait longer and longer after failures, and not at all after a runner was stopped', () => {
    const waits = () => outbox('necrocode.tasks.%').map(({ due_at: due }) => (due - now) / 1000);
    attempt('no_slot: none');
    attempt('shutting_down: the runner stops');
    attempt('no_slot: none');
    expect(waits()).toEqual([1, 0, 5]);
    attempt('shutting_down: the runner stops', 7);
    expect(waits().at(-1)).toBe(7);
  });

  it('[AR-15.1] are counted anew in the next run', () => {
    for (let n = 0; n < 3; n += 1) attempt('no_slot: none');
    registry.change((change) => retryTask(change, run()));
    expect(run()).toMatchObject({ run: 2, attempt: 0, failedAttempts: 0, lostAttempts: 0 });
    attempt('no_slot: none');
    expect(run().state).toBe('ready');
  });
});
