import { formatKey, type TaskKey } from '@necrocode/contracts';

/** Brings a cancellation to the attempt that works on the task, if this runner has it. */
export class CancelDesk {
  private readonly attempts = new Map<string, () => void>();

  /** @returns takes the attempt off the desk again */
  enter(key: TaskKey, onCancel: () => void): () => void {
    const name = formatKey(key);
    this.attempts.set(name, onCancel);
    return () => {
      if (this.attempts.get(name) === onCancel) this.attempts.delete(name);
    };
  }

  cancel(key: TaskKey): void {
    this.attempts.get(formatKey(key))?.();
  }
}
