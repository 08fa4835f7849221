/** Core NATS is quicker than the disk: what has just been heard may be stored a moment later. */
const againAfterMs = [0, 20, 100, 500, 2_000];

/** When to look at a stream again: soon, and a few times, after something was heard; else now and then. */
export class LookAgain {
  private step = againAfterMs.length;
  private wake = () => {};

  /** @param idleMs between looks while nothing is heard */
  constructor(private readonly idleMs: number) {}

  heard(): void {
    this.step = 0;
    this.wake();
  }

  /** Resolves when it is time, or at once when it is told to end. */
  async due(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const pauseMs = againAfterMs[this.step] ?? this.idleMs;
    this.step += 1;
    if (pauseMs === 0) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.wake = () => {};
        resolve();
      };
      const timer = setTimeout(end, pauseMs);
      signal.addEventListener('abort', end);
      // What is heard meanwhile is looked for now, and again after the first pause.
      this.wake = () => {
        this.step = 1;
        end();
      };
    });
  }
}
