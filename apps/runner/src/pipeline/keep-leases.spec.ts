import { signClock, type SignAnswer } from '@necrocode/messaging';
import { createLogger } from '@necrocode/telemetry';
import { LeaseKeeper } from './keep-leases.js';
import type { Renewal } from './ports.js';
import { WorkSignal } from './work-signal.js';

const lease = { key: { specName: 's', taskId: '1' }, fencingToken: 1n, run: 1, attempt: 1 };
const call = { kind: 'call', address: '', path: '', request: new Uint8Array(), deadlineMs: 1 } as const;
const [kept, noAnswer, lost] = [0, 14, 9];

function open() {
  let hear: (answer: SignAnswer) => void = () => undefined;
  let cancel = () => undefined as void;
  const judge: Renewal['judge'] = (answer) => {
    if (answer.kind === 'response' || answer.code === kept) return 'kept';
    return answer.code === lost ? 'lost' : 'no_answer';
  };
  const work = new WorkSignal(1_000, new AbortController().signal);
  const keeper = new LeaseKeeper(
    {
      registry: {
        renewal: () => ({ call, judge }),
        watchCancel: (_lease, told) => {
          cancel = told;
          return () => (cancel = () => undefined);
        },
      },
      pool: { renewal: () => ({ call, judge }) },
      lease,
      life: {
        until: () => undefined,
        close: () => undefined,
        give: (_sign, _everyMs, onAnswer) => {
          hear = onAnswer ?? hear;
          return () => undefined;
        },
      },
      work,
      log: createLogger({ name: 'spec', level: 'silent' }),
    },
    { leaseSeconds: 30, patienceMs: 90_000 },
  );
  return {
    keeper,
    /** A renewal that was sent so many seconds ago. */
    answerLate: (seconds: number, code: number) =>
      hear({ kind: 'status', at: signClock() - seconds * 1_000, code }),
    /** A renewal that was sent so many seconds after the first. */
    answer: (seconds: number, code: number) => hear({ kind: 'status', at: 5_000 + seconds * 1_000, code }),
    cancel: () => cancel(),
    ended: () => (work.signal.aborted ? (work.signal.reason as { code: string }).code : undefined),
    [Symbol.dispose]() {
      keeper.close();
      work.close();
    },
  };
}

describe('leases that are renewed', () => {
  it('[AR-15.4] are not lost while nobody answers, for longer than they last', () => {
    using leases = open();
    leases.answer(0, kept);
    for (const seconds of [8, 20, 40, 60, 88]) leases.answer(seconds, noAnswer);
    expect(leases.ended()).toBeUndefined();
    leases.answer(89, kept);
    leases.answer(170, noAnswer);
    expect(leases.ended()).toBeUndefined();
  });

  it('[AR-15.5] are given up when nobody has answered for too long', () => {
    using leases = open();
    leases.answer(0, kept);
    leases.answer(91, noAnswer);
    expect(leases.ended()).toBe('lease_lost');
  });

  it('[AR-15.4] are lost at once when that is the answer', () => {
    using leases = open();
    leases.answer(0, kept);
    leases.answer(1, lost);
    expect(leases.ended()).toBe('lease_lost');
  });

  it('[AR-14.3] are sure only while the last renewal cannot have run out', async () => {
    using leases = open();
    let sure = false;
    const waiting = leases.keeper.permit.obtain().then(() => (sure = true));
    leases.answerLate(31, kept);
    leases.answerLate(1, noAnswer);
    await new Promise(setImmediate);
    expect(sure).toBe(false);
    leases.answerLate(1, kept);
    await waiting;
    await leases.keeper.permit.obtain();
  });

  it('[AR-14.3] are lost for whoever waits to be sure of them', async () => {
    using leases = open();
    const waiting = expect(leases.keeper.permit.obtain()).rejects.toMatchObject({ code: 'lease_lost' });
    leases.answerLate(0, lost);
    await waiting;
    await expect(leases.keeper.permit.obtain()).rejects.toMatchObject({ code: 'lease_lost' });
  });

  it('[AR-1.5] end with a cancellation that the registry tells of', () => {
    using leases = open();
    leases.cancel();
    expect(leases.ended()).toBe('cancelled');
  });
});
