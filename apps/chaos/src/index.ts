/**
 * Hurts the whole system at every step and looks at it from outside: nothing lost, nothing done twice.
 *
 *   const outcomes = await runLane({ name: 'chaos', runs: planRuns({ … }), … }, tell, signal);
 */
export * from './lane.js';
export * from './plan-runs.js';
export * from './run-suite.js';
