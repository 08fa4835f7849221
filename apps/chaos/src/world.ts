import type { TaskResult } from '@necrocode/contracts';
import type { ServiceName } from './fault-points.js';

/** What was left in the area of the slots when everything was over. */
export interface LeakedSlot {
  /** `<spec>/<task>`, where it can be told. */
  readonly key: string | undefined;
  readonly what: string;
}

/** A system under test, as it can be reached and hurt from outside. */
export interface World {
  /** Gives the task to the queue; the same bytes as often as wanted. `messageId` absent: none. */
  publish(body: string, messageId?: string): Promise<void>;
  /** SIGKILL to the n-th runner, counted from 1; somebody starts it again. */
  killRunner(runner: number): void;
  freezeRunner(runner: number): void;
  thawRunner(runner: number): void;
  killService(service: ServiceName | 'nats'): void;
  /** Leaves no room for the state of services and runners, until `emptyDisk` was called as often. */
  fillDisk(): void;
  emptyDisk(): void;
  /** Task ids of the spec that have come to a terminal state, with that state. */
  endedTasks(spec: string): Promise<ReadonlyMap<string, string>>;
  /** Every result of the spec in the stream, by task id. */
  results(spec: string): Promise<ReadonlyMap<string, readonly PublishedResult[]>>;
  /** Messages of NECROCODE_TASKS, all of them of this spec, that are still to be delivered or acknowledged. */
  waiting(spec: string): Promise<number>;
  leakedSlots(): Promise<readonly LeakedSlot[]>;
  /** Ends everything that was started. */
  stop(): Promise<void>;
}

export type PublishedResult = Pick<TaskResult, 'run' | 'status' | 'commit' | 'tree' | 'pushed'> & {
  readonly error: { readonly code: string } | null;
};
