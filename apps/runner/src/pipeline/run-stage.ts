import { RunnerError, type ErrorCode, type EventType } from '@necrocode/contracts';
import {
  annotateSpan,
  durationHistogram,
  markSpanFailed,
  withInheritedAttributes,
  withSpan,
  type Attributes,
  type Logger,
} from '@necrocode/telemetry';
import type { StageClock } from './stage-clock.js';

/** Takes note of what happened, for the registry and for whoever watches. Never fails and never waits. */
export type TellEvent = (type: EventType, data: Readonly<Record<string, unknown>>) => void;

/** What the value of a stage says about it. A setback is no breakage: the stage ended, but not as hoped. */
export interface StageFinding {
  readonly attributes?: Attributes;
  readonly setback?: { readonly code: ErrorCode; readonly message: string };
}

const stageDuration = durationHistogram('necrocode.stage.duration', 'Time of a stage of a task');

/** What a stage has to tell beside its end, by snake_case names. */
export type StageFacts = Readonly<Record<string, string | number | boolean>>;

/**
 * The stages of one attempt: each is a span, two log lines and two events, and its time is summed
 * under its name (a stage that runs in several rounds counts once).
 */
export class Stages {
  private readonly milliseconds = new Map<string, number>();
  private failed: string | null = null;
  private ended: string | null = null;

  constructor(
    private readonly log: Logger,
    private readonly tell: TellEvent,
    private readonly clock: StageClock,
  ) {}

  /** Milliseconds by stage. */
  get timings(): Record<string, number> {
    return Object.fromEntries([...this.milliseconds].map(([name, ms]) => [name, Math.round(ms * 10) / 10]));
  }

  /** The stage that took too long, or whose error ended the attempt; where none broke, the one that ended last. */
  get failedStage(): string | null {
    return this.clock.timedOut ?? this.failed ?? this.ended;
  }

  /**
   * A stage of the work, which ends when the work does.
   *
   * @param find what the trace is to tell of the stage's value
   * @param facts asked at its end, for its span, its log line and its event
   */
  run<T>(
    name: string,
    stage: () => Promise<T>,
    find?: (value: T) => StageFinding,
    facts?: () => StageFacts,
  ): Promise<T> {
    const found = async () => {
      const value = await this.clock.working(name, stage);
      const { attributes, setback } = find?.(value) ?? {};
      if (attributes) annotateSpan(attributes);
      if (setback) markSpanFailed(setback.code, setback.message);
      return value;
    };
    return this.inSpan(name, found, facts);
  }

  /** A stage after the end of the work, whatever that was. */
  conclude<T>(name: string, stage: () => Promise<T>): Promise<T> {
    return this.inSpan(name, () => this.clock.concluding(name, stage));
  }

  /** Time of a stage that ran before there was an attempt. */
  note(name: string, milliseconds: number): void {
    this.milliseconds.set(name, milliseconds);
  }

  private inSpan<T>(name: string, stage: () => Promise<T>, facts?: () => StageFacts): Promise<T> {
    return withInheritedAttributes({ 'necrocode.stage': name }, () =>
      withSpan(name, {}, () => this.observe(name, stage, facts)),
    );
  }

  private async observe<T>(name: string, stage: () => Promise<T>, facts?: () => StageFacts): Promise<T> {
    const started = performance.now();
    this.log.info({ stage: name }, 'stage started');
    this.tell('StageStarted', { stage: name });
    try {
      const value = await stage();
      this.end(name, started, undefined, facts?.());
      return value;
    } catch (error) {
      this.failed = name;
      this.end(name, started, error, facts?.());
      throw error;
    }
  }

  private end(name: string, started: number, error: unknown, facts: StageFacts = {}): void {
    const duration = performance.now() - started;
    this.ended = name;
    this.milliseconds.set(name, (this.milliseconds.get(name) ?? 0) + duration);
    stageDuration.record(duration / 1000, { 'necrocode.stage': name });
    const fact = { stage: name, duration_ms: Math.round(duration), ...facts };
    const attributes = Object.entries(facts).map(
      ([key, value]) => [`necrocode.${name}.${key}`, value] as const,
    );
    annotateSpan(Object.fromEntries(attributes));
    if (error === undefined) {
      this.log.info(fact, 'stage ended');
      this.tell('StageEnded', fact);
      return;
    }
    const { code, message } = RunnerError.from(error);
    this.log.error({ ...fact, code, error }, 'stage failed');
    this.tell('StageEnded', { ...fact, code, message });
  }
}
