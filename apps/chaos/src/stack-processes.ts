import { readFileSync } from 'node:fs';
import { sendSignal } from './send-signal.js';

/** The real processes of a stack: as its supervisor writes them down, since they change with every restart. */
export class StackProcesses {
  /** By runner: the frozen process, and how many want it to be. */
  private readonly frozen = new Map<number, { readonly pid: number; count: number }>();

  /** @param file the stack's `pids.json` */
  constructor(private readonly file: string) {}

  kill(name: string): void {
    const pid = this.read()[name];
    if (typeof pid === 'number') sendSignal(pid, 'SIGKILL');
  }

  killRunner(runner: number): void {
    sendSignal(this.pidOfRunner(runner), 'SIGKILL');
  }

  freezeRunner(runner: number): void {
    const pid = this.pidOfRunner(runner);
    if (pid === undefined) return;
    const held = this.frozen.get(runner);
    if (held?.pid === pid) held.count += 1;
    else this.frozen.set(runner, { pid, count: 1 });
    sendSignal(pid, 'SIGSTOP');
  }

  thawRunner(runner: number): void {
    const held = this.frozen.get(runner);
    if (!held) return;
    held.count -= 1;
    if (held.count > 0) return;
    this.frozen.delete(runner);
    sendSignal(held.pid, 'SIGCONT');
  }

  thawAll(): void {
    for (const { pid } of this.frozen.values()) sendSignal(pid, 'SIGCONT');
    this.frozen.clear();
  }

  private pidOfRunner(runner: number): number | undefined {
    const runners = this.read()['runners'] as readonly { readonly pid: number }[];
    return runners[runner - 1]?.pid;
  }

  private read(): Record<string, unknown> {
    return JSON.parse(readFileSync(this.file, 'utf8')) as Record<string, unknown>;
  }
}
