import { RunnerError } from '@necrocode/contracts';

/** The signal under which an attempt works; its reason is the RunnerError that the attempt ends with. */
export class WorkSignal {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private readonly endsAt: number;
  private readonly detach: () => void;

  /**
   * @param shutdown aborted when the runner has no more time
   */
  constructor(timeoutSeconds: number, shutdown: AbortSignal) {
    const timeout = new RunnerError('timeout', `the task did not end within its ${timeoutSeconds} s`);
    this.endsAt = performance.now() + timeoutSeconds * 1000;
    this.timer = setTimeout(() => this.end(timeout), timeoutSeconds * 1000);
    const onShutdown = () => this.end(new RunnerError('shutting_down', 'the runner was asked to stop'));
    if (shutdown.aborted) onShutdown();
    shutdown.addEventListener('abort', onShutdown, { once: true });
    this.detach = () => shutdown.removeEventListener('abort', onShutdown);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Milliseconds that the task has left. */
  get leftMs(): number {
    return Math.max(0, this.endsAt - performance.now());
  }

  /** Only the first reason counts. */
  end(reason: RunnerError): void {
    this.controller.abort(reason);
  }

  close(): void {
    clearTimeout(this.timer);
    this.detach();
  }
}
