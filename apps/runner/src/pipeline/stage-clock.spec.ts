import { RunnerError } from '@necrocode/contracts';
import { StageClock } from './stage-clock.js';
import { WorkSignal } from './work-signal.js';

const never = () => new Promise<never>(() => undefined);
const noShutdown = new AbortController().signal;

let work: WorkSignal;
let shownFor: number[];

function clockWith(timeouts: Record<string, number>, taskSeconds = 600): StageClock {
  work = new WorkSignal(taskSeconds, noShutdown);
  shownFor = [];
  return new StageClock(timeouts, work, { until: (ms) => shownFor.push(ms) });
}

afterEach(() => work.close());

describe('StageClock', () => {
  it('[AR-11.2] ends the work when a stage takes too long, and names the stage', async () => {
    const clock = clockWith({ push: 0.05 });
    const stage = clock.working('push', never);
    await expect(stage).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('push') as string,
    });
    expect(clock.timedOut).toBe('push');
    expect(work.signal.reason).toMatchObject({ code: 'timeout' });
  });

  it('[AR-11.2] leaves a stage behind that does not react to the end of the work', async () => {
    const clock = clockWith({});
    let finish: ((value: string) => void) | undefined;
    const stage = clock.working('apply_change', () => new Promise((resolve) => (finish = resolve)));
    work.end(new RunnerError('cancelled', 'the task was cancelled'));
    await expect(stage).rejects.toMatchObject({ code: 'cancelled' });
    const settled = clock.settle(60_000);
    finish?.('late');
    await settled;
  });

  it('[AR-11.2] gives a stage the time to say itself how it ended', async () => {
    const clock = clockWith({});
    const stage = clock.working(
      'run_tests',
      () => new Promise((resolve) => work.signal.addEventListener('abort', () => resolve('ended'))),
    );
    work.end(new RunnerError('cancelled', 'the task was cancelled'));
    await expect(stage).resolves.toBe('ended');
    expect(work.signal.aborted).toBe(true);
  });

  it('[AR-11.2] bounds stages after the end of the work as well', async () => {
    const clock = clockWith({ report: 0.05 });
    work.end(new RunnerError('cancelled', 'the task was cancelled'));
    await expect(clock.concluding('report', never)).rejects.toMatchObject({ code: 'timeout' });
    await expect(clock.concluding('release_slot', () => Promise.resolve(1))).resolves.toBe(1);
  });

  it('[AR-11.2] starts no stage of work that has ended', async () => {
    const clock = clockWith({});
    work.end(new RunnerError('shutting_down', 'the runner was asked to stop'));
    let started = false;
    const stage = () => Promise.resolve((started = true));
    await expect(clock.working('push', stage)).rejects.toMatchObject({ code: 'shutting_down' });
    expect(started).toBe(false);
  });

  it('[AR-8.2] shows life until the last running stage must be over, at most the task, plus a grace', async () => {
    const clock = clockWith({ setup: 300, propose_change: 1_200, push: 60 }, 600);
    const between = shownFor.at(-1) ?? 0;
    let endSetup: (() => void) | undefined;
    let endPropose: (() => void) | undefined;
    const setup = clock.working('setup', () => new Promise<void>((resolve) => (endSetup = resolve)));
    const afterSetup = shownFor.at(-1) ?? 0;
    const propose = clock.working(
      'propose_change',
      () => new Promise<void>((resolve) => (endPropose = resolve)),
    );
    const both = shownFor.at(-1) ?? 0;
    endPropose?.();
    await propose;
    const onlySetup = shownFor.at(-1) ?? 0;
    endSetup?.();
    await setup;
    const shown = [between, afterSetup, both, onlySetup, shownFor.at(-1) ?? 0];
    // Whole tens of seconds, since some milliseconds have passed.
    expect(shown.map((ms) => Math.round(ms / 10_000) * 10)).toEqual([30, 330, 630, 330, 30]);
  });
});
