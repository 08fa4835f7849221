import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ProcessPlan {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Asked at every start, so that a restarted process can get a new identity. */
  readonly environment: () => Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Whether the process needs the keys of the LLM and the git remote: only a runner does. */
  readonly trusted: boolean;
  /** What asks it to end in order; SIGTERM by default. */
  readonly stopSignal?: NodeJS.Signals;
}

/** Between restarts of a process that keeps dying. */
const restartPauseMs = { first: 100, last: 5_000 };
/** A process that lived this long counts as healthy again. */
const healthyAfterMs = 10_000;

/** A process in a group of its own that is started again whenever it ends, until it is stopped. */
export class SupervisedProcess {
  private child: ChildProcess | undefined;
  private exited: Promise<void> = Promise.resolve();
  private stopping = false;
  private pauseMs = restartPauseMs.first;
  private restart: NodeJS.Timeout | undefined;

  constructor(
    readonly plan: ProcessPlan,
    private readonly hooks: {
      readonly onLine: (name: string, line: string) => void;
      readonly onChange: () => void;
    },
  ) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(): void {
    const { command, args, cwd, environment, trusted } = this.plan;
    const startedAt = Date.now();
    const child = spawn(command, [...args], {
      cwd,
      env: { ...(trusted ? process.env : withoutSecrets(process.env)), ...environment() },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.hooks.onLine(this.plan.name, line));
    }
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.hooks.onLine(this.plan.name, `could not be started: ${error.message}`);
        resolve();
      });
      child.once('exit', (code, signal) => {
        this.hooks.onLine(this.plan.name, `ended with ${signal ?? `code ${code}`}`);
        resolve();
      });
    });
    void this.exited.then(() => this.startAgain(startedAt));
    this.hooks.onChange();
  }

  /** Asks the process to end, and ends its whole group when it does not within `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    clearTimeout(this.restart);
    this.signal(this.plan.stopSignal ?? 'SIGTERM');
    const timer = setTimeout(() => this.killGroup(), graceMs);
    await this.exited;
    clearTimeout(timer);
    this.killGroup();
  }

  /** Ends the process and whatever it started, at once. */
  killGroup(): void {
    this.stopping = true;
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // The group is gone already.
    }
  }

  private signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  private startAgain(startedAt: number): void {
    if (this.stopping) return;
    if (Date.now() - startedAt > healthyAfterMs) this.pauseMs = restartPauseMs.first;
    this.restart = setTimeout(() => this.start(), this.pauseMs);
    this.pauseMs = Math.min(this.pauseMs * 2, restartPauseMs.last);
  }
}

/** Variables that hold a runner's secrets, or name files that do. */
const secrets = ['OPENAI_API_KEY', 'GIT_TOKEN'].flatMap((name) => [name, `${name}_FILE`]);

function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !secrets.includes(name)));
}
