import {
  assertTransition,
  hasEnded,
  mayFollow,
  stateFromWire,
  stateToWire,
  taskStates,
} from './task-states.js';

describe('task states', () => {
  const valid = [
    ['ready', 'running'],
    ['ready', 'blocked'],
    ['ready', 'failed'],
    ['ready', 'cancelled'],
    ['running', 'ready'],
    ['running', 'blocked'],
    ['running', 'done'],
    ['running', 'failed'],
    ['running', 'cancelled'],
    ['blocked', 'ready'],
    ['blocked', 'failed'],
    ['blocked', 'cancelled'],
  ].map((pair) => pair.join(' -> '));
  const pairs = taskStates.flatMap((from) =>
    taskStates.map((to) => ({ from, to, name: `${from} -> ${to}` })),
  );

  it.each(pairs)('[AR-1.5] $name is allowed only if the table says so', ({ from, to, name }) => {
    expect(mayFollow(from, to)).toBe(valid.includes(name));
  });

  it('[AR-1.5] an invalid transition is an error', () => {
    expect(() => assertTransition('done', 'running')).toThrow('cannot go from done to running');
    expect(() => assertTransition('ready', 'running')).not.toThrow();
  });

  it('[AR-1.5] exactly done, failed and cancelled are endings', () => {
    expect(taskStates.filter(hasEnded)).toEqual(['done', 'failed', 'cancelled']);
  });

  it.each(taskStates)('[AR-15.1] %s survives the wire', (state) => {
    expect(stateFromWire(stateToWire(state))).toBe(state);
  });
});
