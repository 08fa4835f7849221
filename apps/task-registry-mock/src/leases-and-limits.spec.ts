import { keyOf, type Task } from '@necrocode/contracts';
import { createLogger } from '@necrocode/telemetry';
import { tempDir } from '@necrocode/testkit';
import { cancelTask } from './cancel-task.js';
import { claimTask, type ClaimOutcome } from './claim-task.js';
import { newSpec, resultOf, taskOf } from './contract/registry-client.js';
import { holdLease, renewLease } from './lease.js';
import { LeaseReaper } from './lease-reaper.js';
import { readOrder } from './open-run.js';
import { Registry } from './registry.js';
import { reportResult } from './report-result.js';
import { findRun, requireRun } from './runs.js';

describe('rules that time and the repository limit decide', () => {
  let now: number;
  let dataDir: string;
  let registry: Registry;
  let reaper: LeaseReaper;

  const open = (maxInFlightPerRepo: number) => {
    const limits = { maxInFlightPerRepo, fairSharePerRepo: 0, maxAttempts: 5, maxLostAttempts: 10 };
    registry = new Registry({ dataDir, ...limits, now: () => now });
    reaper = new LeaseReaper(registry, createLogger({ name: 'spec', level: 'silent' }));
  };
  const claim = (task: Task, runnerId = 'runner-1'): ClaimOutcome => {
    const order = readOrder(JSON.stringify(task), {});
    return registry.change((change) => claimTask(change, { order, runnerId, leaseSeconds: 30 }));
  };
  const granted = (task: Task) => {
    const outcome = claim(task);
    if (outcome.kind !== 'granted') throw new Error(`not granted: ${JSON.stringify(outcome)}`);
    return outcome.run;
  };
  const finish = (task: Task) => {
    const { fencingToken } = requireRun(registry.sql, keyOf(task));
    registry.change((change) =>
      reportResult(change, keyOf(task), BigInt(fencingToken), resultOf(task, 'done')),
    );
  };
  const stateOf = (task: Task) => findRun(registry.sql, keyOf(task))?.state;
  const published = () =>
    registry.sql(`SELECT msg_id FROM outbox WHERE subject LIKE 'necrocode.tasks.%' ORDER BY id`).all().length;

  beforeEach(() => {
    now = Date.parse('2026-01-01T00:00:00Z');
    dataDir = tempDir();
    open(1);
  });
  afterEach(() => {
    reaper.stop();
    registry.close();
  });

  const spec = newSpec();
  const a = taskOf(spec, 'a');
  const b = taskOf(spec, 'b');
  const c = taskOf(spec, 'c');

  it('[AR-14.5] parks what exceeds the limit of a repository, and lets the oldest in first', () => {
    granted(a);
    expect(claim(b).kind).toBe('parked');
    expect(claim(c).kind).toBe('parked');
    // However its URL is spelled, it is one repository; another one has room.
    expect(claim(taskOf(spec, 'd', { repo_url: a.repo_url.replace('.git', '/') })).kind).toBe('parked');
    expect(claim(taskOf(spec, 'e', { repo_url: 'https://git.example/other.git' })).kind).toBe('granted');
    finish(a);
    expect([stateOf(b), stateOf(c)]).toEqual(['ready', 'blocked']);
    expect(published()).toBe(1);
  });

  it('[AR-14.5] hands the room on when the task that was let in is cancelled', () => {
    granted(a);
    claim(b);
    claim(c);
    finish(a);
    registry.change((change) => cancelTask(change, requireRun(change.sql, keyOf(b)), ''));
    expect([stateOf(b), stateOf(c)]).toEqual(['cancelled', 'ready']);
  });

  it('[AR-14.5] lets everybody in after a restart without a limit', () => {
    granted(a);
    claim(b);
    claim(c);
    registry.close();
    open(0);
    reaper.start();
    expect([stateOf(b), stateOf(c)]).toEqual(['ready', 'ready']);
  });

  it('[AR-15.5] ends a lease that ran out, publishes the task again and lets others in', () => {
    granted(a);
    claim(b);
    now += 29_999;
    expect(reaper.reap()).toBe(0);
    now += 1;
    expect(reaper.reap()).toBe(1);
    expect([stateOf(a), stateOf(b)]).toEqual(['ready', 'ready']);
    expect(published()).toBe(2);
  });

  it('[AR-15.1] lets the holder of a lease past its end go on while nobody has taken it', () => {
    const run = granted(a);
    now += 60_000;
    const renewed = registry.change((change) =>
      renewLease(change, holdLease(change.sql, keyOf(a), BigInt(run.fencingToken)), 30),
    );
    expect(renewed.leaseExpiresAt).toBe(now + 30_000);
    expect(reaper.reap()).toBe(0);
  });

  it('[AR-14.3] gives a lease past its end to the next claim, under a higher token', () => {
    const first = granted(a);
    expect(claim(a, 'runner-2').kind).toBe('already_handled');
    now += 30_000;
    const second = granted(a);
    expect(second).toMatchObject({ attempt: 2, run: 1 });
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
    // The claimer has the message; publishing the task again would only be a duplicate.
    expect(published()).toBe(0);
  });

  it('[AR-1.5] does not start a cancelled task again when its runner went silent', () => {
    granted(a);
    registry.change((change) => cancelTask(change, requireRun(change.sql, keyOf(a)), 'stop'));
    now += 30_000;
    reaper.reap();
    expect(stateOf(a)).toBe('cancelled');
    expect(published()).toBe(0);
  });

  it('[AR-15.1] leaves runners time to come back after the registry itself was away', () => {
    granted(a);
    now += 3_600_000;
    reaper.start();
    now += 29_999;
    expect(reaper.reap()).toBe(0);
    now += 1;
    expect(reaper.reap()).toBe(1);
  });

  it('[AR-15.1] leaves runners time to come back after its process was stopped for a while', () => {
    reaper.start();
    granted(a);
    now += 60_000;
    expect(reaper.look()).toBe(0);
    for (let second = 1; second < 30; second += 1) {
      now += 1_000;
      expect(reaper.look()).toBe(0);
    }
    now += 1_000;
    expect(reaper.look()).toBe(1);
  });
});
