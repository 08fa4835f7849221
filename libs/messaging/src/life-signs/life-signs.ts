import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Logger } from '@necrocode/telemetry';
import { connectionOptions, wholeLines, type ConnectOptions } from '../connect.js';
import type { Answered, NatsOfThread, Order, Sign, SignAnswer } from './sign.js';

export interface LifeSignsOptions {
  /** Absent where there is no NATS: then only calls are made. */
  readonly nats?: ConnectOptions;
  readonly logger: Logger;
}

/** Before a thread that ended is started again. */
const restartMs = 500;
/**
 * Of the thread's heap. Measured on Node 24: the thread costs 12 to 16 MB of memory and 0.1 s of CPU at its
 * start; a young generation of ordinary size would add 2 to 7 MB.
 */
const heapLimits = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 };

/**
 * Gives signs of life from a thread of its own, so that a busy event loop loses no message and no lease;
 * each only until the deadline that the main thread last set for it, so that a main thread that hangs
 * does lose them. A thread that dies is started again with everything that it had to do.
 */
export class LifeSigns {
  private readonly lives = new Map<number, LifeState>();
  private readonly listeners = new Map<number, (answer: SignAnswer) => void>();
  private thread: Worker;
  private last = 0;
  private restart: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(private readonly options: LifeSignsOptions) {
    this.thread = this.startThread();
  }

  /** A life with signs of its own, which are given for `forMs` unless told otherwise. */
  open(forMs: number): Life {
    const life = (this.last += 1);
    const state: LifeState = { until: 0, gives: new Map() };
    this.lives.set(life, state);
    const until = (ms: number) => {
      state.until = signClock() + ms;
      this.order({ kind: 'until', life, until: state.until });
    };
    until(forMs);
    return {
      until,
      give: (what, everyMs, onAnswer) => this.give(life, state, { what, everyMs }, onAnswer),
      close: () => {
        for (const sign of state.gives.keys()) this.listeners.delete(sign);
        if (this.lives.delete(life)) this.order({ kind: 'end', life });
      },
    };
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.restart);
    await this.thread.terminate();
  }

  private give(
    life: number,
    { gives }: LifeState,
    asked: Pick<Give, 'what' | 'everyMs'>,
    onAnswer: ((answer: SignAnswer) => void) | undefined,
  ): () => void {
    const sign = (this.last += 1);
    const order: Give = { kind: 'give', life, sign, ...asked };
    gives.set(sign, order);
    if (onAnswer) this.listeners.set(sign, onAnswer);
    this.order(order);
    return () => {
      this.listeners.delete(sign);
      if (gives.delete(sign)) this.order({ kind: 'stop', sign });
    };
  }

  private order(order: Order): void {
    this.thread.postMessage(order);
  }

  private startThread(): Worker {
    const { nats, logger } = this.options;
    // Compiled here, as it stands in a spec: Node runs both.
    const file = new URL(`./life-signs-thread${extname(import.meta.filename)}`, import.meta.url);
    const thread = new Worker(file, {
      name: 'life signs',
      // Not the main thread's --import: telemetry would be started twice.
      execArgv: [],
      resourceLimits: heapLimits,
      workerData: { nats: nats && natsOfThread(nats) },
    });
    thread.on('message', ({ sign, answer }: Answered) => this.listeners.get(sign)?.(answer));
    thread.on('error', (error) => logger.error({ error }, 'the thread that gives signs of life failed'));
    thread.once('exit', () => {
      if (this.closed) return;
      logger.warn('the thread that gives signs of life is started again');
      this.restart = setTimeout(() => this.startAgain(), restartMs);
    });
    thread.unref();
    return thread;
  }

  private startAgain(): void {
    this.thread = this.startThread();
    for (const [life, { until, gives }] of this.lives) {
      this.order({ kind: 'until', life, until });
      for (const order of gives.values()) this.order(order);
    }
  }
}

/** One piece of work that shows signs of life. */
export interface Life {
  /** From now on the signs are given for this many milliseconds. */
  until(ms: number): void;
  /**
   * Gives a sign at an interval; a call for the first time at once, and again soon when nobody answers it.
   *
   * @param onAnswer is told how a call was answered, as soon as the main thread has time
   * @returns ends this sign
   */
  give(what: Sign, everyMs: number, onAnswer?: (answer: SignAnswer) => void): () => void;
  /** Ends all of its signs. */
  close(): void;
}

type Give = Extract<Order, { kind: 'give' }>;

interface LifeState {
  until: number;
  readonly gives: Map<number, Give>;
}

function natsOfThread(nats: ConnectOptions): NatsOfThread {
  const options = connectionOptions({ ...nats, name: `${nats.name} life signs` });
  return { options: { ...options, waitOnFirstConnect: true }, creds: nats.creds && wholeLines(nats.creds) };
}

/** Milliseconds of the machine's monotonic clock, by which answers are dated; it goes on while the process is stopped. */
export function signClock(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
