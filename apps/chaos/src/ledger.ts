import { EventEmitter, once } from 'node:events';
import type { PlannedFault } from './fault-points.js';

/** A call of the model, as the endpoint saw it. */
export interface LlmCall {
  readonly number: number;
  readonly runner: number;
  /** The runner's last attempt at the task: calls of one attempt have the same. */
  readonly attempt: number;
  /** The content that the model answered with. */
  readonly content: string;
  /** True when the reply was taken away by a fault. */
  lost: boolean;
  /** True once the reply was sent. */
  answered: boolean;
  /** True once the answer was stored, used, or given up by the runner itself: nobody has a reason to ask again. */
  kept: boolean;
}

/** What was seen of one task from outside. */
export class TaskLedger {
  /** Runners that were given the task, in order. */
  readonly holders: number[] = [];
  readonly calls: LlmCall[] = [];
  readonly fired: PlannedFault[] = [];
  /** Calls of the model that nothing excuses. */
  readonly repeatedCalls: string[] = [];
  decided = false;
  ended = false;

  constructor(readonly key: string) {}

  get holder(): number | undefined {
    return this.holders.at(-1);
  }

  /** One more call arrives. It is excused when every one before was under way when its attempt was broken off. */
  addCall(runner: number, content: string): LlmCall {
    const attempt = this.attemptOf(runner);
    const known = this.calls.find(({ kept, lost, attempt: other }) => kept || (!lost && other === attempt));
    if (known)
      this.repeatedCalls.push(`call ${this.calls.length + 1} after the answer of call ${known.number}`);
    const number = this.calls.length + 1;
    const call = { number, runner, attempt, content, lost: false, answered: false, kept: false };
    this.calls.push(call);
    return call;
  }

  /** The runner ends its attempt by itself, with whatever it was answered: that is no excuse to ask again. */
  giveBack(runner: number): void {
    const attempt = this.attemptOf(runner);
    for (const call of this.calls) if (call.attempt === attempt && call.answered) call.kept = true;
  }

  /** Whatever was answered so far is stored, or in use. */
  keepAnswers(): void {
    for (const call of this.calls) call.kept = true;
  }

  private attemptOf(runner: number): number {
    return this.holders.lastIndexOf(runner) + 1;
  }
}

/** The tasks of a stack, and what is waited for of them. */
export class Ledger {
  private readonly tasks = new Map<string, TaskLedger>();
  private readonly changes = new EventEmitter().setMaxListeners(0);

  open(key: string): TaskLedger {
    const task = new TaskLedger(key);
    this.tasks.set(key, task);
    return task;
  }

  /** Undefined for what is no task of this suite. */
  find(key: string): TaskLedger | undefined {
    return this.tasks.get(key);
  }

  /** To be called after a change, for those who wait for one. */
  changed(key: string): void {
    this.changes.emit(key);
  }

  /** Resolves when the task is as wanted (true), or after the time (false). */
  async until(key: string, wanted: (task: TaskLedger) => boolean, milliseconds: number): Promise<boolean> {
    const timeout = AbortSignal.timeout(milliseconds);
    const task = this.tasks.get(key);
    while (task && !wanted(task)) {
      try {
        await once(this.changes, key, { signal: timeout });
      } catch {
        return false;
      }
    }
    return task !== undefined;
  }
}
