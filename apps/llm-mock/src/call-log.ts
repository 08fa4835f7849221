/** One call as it is told to whoever asks. */
export interface RecordedCall {
  /** `<spec>/<id>`, null when the request names no task. */
  readonly task: string | null;
  /** When it arrived, ISO 8601. */
  readonly at: string;
  /** Of the HTTP answer; null when there was none (`hang`). */
  readonly status: number | null;
  /** The parsed body; null for older calls, see below. */
  readonly request: unknown;
}

const keptCalls = 10_000;
/** Characters. Prompts can be large, so bodies are bounded by size and not by number: the newest are kept. */
const keptBodies = 64 * 1024 * 1024;

interface Entry {
  readonly task: string | null;
  readonly at: string;
  readonly status: number | null;
  body: string | null;
}

/** The last 10,000 calls, and the newest 64 Mi characters of their bodies. */
export class CallLog {
  private entries: Entry[] = [];
  private bodies = 0;

  constructor(private readonly limits = { calls: keptCalls, bodies: keptBodies }) {}

  add(task: string | null, status: number | null, body: string): void {
    this.entries.push({ task, status, body, at: new Date().toISOString() });
    this.bodies += body.length;
    // Cut in blocks: shifting an array for every call would copy it each time.
    if (this.entries.length >= this.limits.calls * 2) this.drop(this.entries.length - this.limits.calls);
    for (const entry of this.entries) {
      if (this.bodies <= this.limits.bodies) break;
      this.forget(entry);
    }
  }

  /** Oldest first. */
  list(task?: string): RecordedCall[] {
    return this.entries
      .slice(-this.limits.calls)
      .filter((entry) => task === undefined || entry.task === task)
      .map(({ body, ...call }) => ({
        ...call,
        request: body === null ? null : (JSON.parse(body) as unknown),
      }));
  }

  clear(): void {
    this.entries = [];
    this.bodies = 0;
  }

  private drop(count: number): void {
    for (const entry of this.entries.splice(0, count)) this.forget(entry);
  }

  private forget(entry: Entry): void {
    this.bodies -= entry.body?.length ?? 0;
    entry.body = null;
  }
}
