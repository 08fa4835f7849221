import type { SandboxLevel } from '@necrocode/contracts';
import type { SetupReach } from '../open-sandbox.js';

export interface Dependency {
  /** undefined when it answers, else one line that says why not. */
  readonly check: () => Promise<string | undefined>;
  /** Whether tasks cannot run without it. */
  readonly required: boolean;
}

export interface ReadinessReport {
  readonly ready: boolean;
  readonly runner_id: string;
  readonly sandbox: SandboxLevel;
  readonly setup_network: SetupReach;
  readonly busy: number;
  readonly dependencies: Readonly<Record<string, { readonly ok: boolean; readonly reason?: string }>>;
}

/** Probes come every few seconds from several sides; the answer is shared for this long. */
const freshMs = 2_000;

/** Asks all dependencies, and remembers the answer for a moment. */
export class Readiness {
  private last: { readonly at: number; readonly report: Promise<ReadinessReport> } | undefined;

  constructor(
    private readonly dependencies: Readonly<Record<string, Dependency>>,
    private readonly facts: () => Pick<
      ReadinessReport,
      'runner_id' | 'sandbox' | 'setup_network' | 'busy'
    > & {
      readonly draining: boolean;
    },
  ) {}

  report(): Promise<ReadinessReport> {
    const now = Date.now();
    if (!this.last || now - this.last.at > freshMs) this.last = { at: now, report: this.ask() };
    return this.last.report;
  }

  private async ask(): Promise<ReadinessReport> {
    const answers = await Promise.all(
      Object.entries(this.dependencies).map(async ([name, { check, required }]) => {
        const reason = await check().catch((error: unknown) =>
          error instanceof Error ? error.message : 'failed',
        );
        return { name, required, ok: reason === undefined, ...(reason !== undefined && { reason }) };
      }),
    );
    const { draining, ...facts } = this.facts();
    const ready = !draining && answers.every(({ ok, required }) => ok || !required);
    const dependencies = Object.fromEntries(
      answers.map(({ name, ok, reason }) => [name, { ok, ...(reason && { reason }) }]),
    );
    return { ready, ...facts, dependencies };
  }
}
