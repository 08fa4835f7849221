import { taskRegistry, RunnerError, type TerminalStatus } from '@necrocode/contracts';

export const taskStates = ['ready', 'running', 'blocked', 'done', 'failed', 'cancelled'] as const;
export type RunState = (typeof taskStates)[number];

/** Which state of a run may follow which. A run that has ended stays ended; a retry is another run. */
const successors: Readonly<Record<RunState, readonly RunState[]>> = {
  // A run that can never start fails without having run.
  ready: ['running', 'blocked', 'failed', 'cancelled'],
  // Back to ready when the lease ends without a result, to blocked when its runner parks it.
  running: ['ready', 'blocked', 'done', 'failed', 'cancelled'],
  blocked: ['ready', 'failed', 'cancelled'],
  done: [],
  failed: [],
  cancelled: [],
};

export function mayFollow(from: RunState, to: RunState): boolean {
  return successors[from].includes(to);
}

/** @throws RunnerError `internal`: a transition that the rules should never have asked for */
export function assertTransition(from: RunState, to: RunState): void {
  if (!mayFollow(from, to)) throw new RunnerError('internal', `a run cannot go from ${from} to ${to}`);
}

export function hasEnded(state: RunState): state is TerminalStatus {
  return successors[state].length === 0;
}

const wireStates = {
  ready: taskRegistry.TaskState.TASK_STATE_READY,
  running: taskRegistry.TaskState.TASK_STATE_RUNNING,
  blocked: taskRegistry.TaskState.TASK_STATE_BLOCKED,
  done: taskRegistry.TaskState.TASK_STATE_DONE,
  failed: taskRegistry.TaskState.TASK_STATE_FAILED,
  cancelled: taskRegistry.TaskState.TASK_STATE_CANCELLED,
} as const satisfies Record<RunState, taskRegistry.TaskState>;

export function stateToWire(state: RunState): taskRegistry.TaskState {
  return wireStates[state];
}

/** undefined for a value that names no state. */
export function stateFromWire(value: taskRegistry.TaskState): RunState | undefined {
  return taskStates.find((state) => wireStates[state] === value);
}
