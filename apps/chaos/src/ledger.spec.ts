import { TaskLedger } from './ledger.js';

/** A task that runner 1 has asked the model for. */
function asked(): TaskLedger {
  const task = new TaskLedger('s/1');
  task.holders.push(1);
  task.addCall(1, 'first');
  return task;
}

describe('TaskLedger', () => {
  it('[AR-16.4] excuses a second call when the first was under way as its attempt ended', () => {
    const task = asked();
    task.holders.push(2);
    task.addCall(2, 'second');
    expect(task.repeatedCalls).toEqual([]);
  });

  it('[AR-16.4] excuses a second call of the same attempt when the reply was lost', () => {
    const task = asked();
    for (const call of task.calls) call.lost = true;
    task.addCall(1, 'second');
    expect(task.repeatedCalls).toEqual([]);
  });

  it('[AR-16.4] sees a call whose answer was stored before', () => {
    const task = asked();
    task.keepAnswers();
    task.holders.push(2);
    task.addCall(2, 'second');
    expect(task.repeatedCalls).toEqual(['call 2 after the answer of call 1']);
  });

  it('[AR-16.4] sees a call after an answer that a runner gave up with its task', () => {
    const task = asked();
    for (const call of task.calls) call.answered = true;
    task.giveBack(1);
    task.holders.push(2);
    task.addCall(2, 'second');
    expect(task.repeatedCalls).toEqual(['call 2 after the answer of call 1']);
  });

  it('[AR-16.4] sees a second call of an attempt that has an answer', () => {
    const task = asked();
    task.addCall(1, 'second');
    expect(task.repeatedCalls).toEqual(['call 2 after the answer of call 1']);
  });
});
