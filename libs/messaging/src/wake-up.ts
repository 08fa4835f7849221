/** Lets one loop wait until somebody rings; a ring while nobody waits is remembered. */
export class WakeUp {
  private rung = false;
  private waiter: (() => void) | undefined;

  ring(): void {
    this.rung = true;
    this.waiter?.();
  }

  /** Resolves at the next ring with true, or after `maxMs` with false. */
  async wait(maxMs: number): Promise<boolean> {
    if (!this.rung) {
      await new Promise<void>((resolve) => {
        const timer = Number.isFinite(maxMs) ? setTimeout(resolve, maxMs) : undefined;
        this.waiter = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.waiter = undefined;
    const { rung } = this;
    this.rung = false;
    return rung;
  }
}
