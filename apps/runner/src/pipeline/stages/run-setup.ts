import type { SetupCache, SetupOutcome, SetupPlace } from '../ports.js';
import type { StageFacts } from '../run-stage.js';
import { runCommands, type CommandReport, type CommandZone } from './run-commands.js';

/** Files after whose change what was installed before may be wrong. */
const manifests =
  /(^|\/)(package\.json|package-lock\.json|pnpm-lock\.yaml|yarn\.lock|requirements[^/]*\.txt|pyproject\.toml|setup\.(py|cfg)|go\.(mod|sum)|Cargo\.(toml|lock)|pom\.xml|build\.gradle(\.kts)?|[^/]+\.csproj)$/;

/** Where the result of a setup is kept, and comes from. */
export interface KeptSetup {
  readonly key: string;
  readonly mode: string;
  readonly cache: SetupCache;
  readonly place: SetupPlace;
}

/**
 * The task's setup: started beside the first call of the model, done again when the change touches what
 * it installs, or when it failed before the change.
 */
export class Setup {
  private state: Promise<readonly CommandReport[]>;
  private readonly done = new Set<string>();

  constructor(
    private readonly commands: readonly string[],
    private readonly zone: CommandZone,
    /** Every report goes here as well, also of a setup that is interrupted. */
    private readonly reports: CommandReport[],
    private readonly inStage: (
      run: () => Promise<readonly CommandReport[]>,
      facts: () => StageFacts,
    ) => Promise<readonly CommandReport[]>,
    /** Undefined where setups are not cached. */
    kept: () => Promise<KeptSetup | undefined>,
  ) {
    this.state = this.run(kept);
    // Its failure is told to whoever waits for it.
    this.state.catch(() => undefined);
  }

  /** The reports of the setup that fits the change. */
  async forChange(changed: readonly string[]): Promise<readonly CommandReport[]> {
    const reports = await this.state;
    const news = changed.filter((path) => manifests.test(path) && !this.done.has(path));
    const failed = reports.some((report) => !report.passed);
    if (this.commands.length > 0 && (failed || news.length > 0)) {
      news.forEach((path) => this.done.add(path));
      this.state = this.run();
    }
    return this.state;
  }

  /** Waits for what may still be running, so that nothing works in a workspace that is given back. */
  async settle(): Promise<void> {
    await this.state.catch(() => undefined);
  }

  /** @param kept for the first setup alone: a later one depends on the change, so it is neither taken nor kept */
  private async run(
    kept: () => Promise<KeptSetup | undefined> = () => Promise.resolve(undefined),
  ): Promise<readonly CommandReport[]> {
    if (this.commands.length === 0) return [];
    const own: CommandReport[] = [];
    let cached: StageFacts = {};
    const carryOut = async () => {
      await runCommands(this.commands, this.zone, true, own);
      return own.every(({ passed, refusedHosts }) => passed && refusedHosts.length === 0);
    };
    try {
      return await this.inStage(
        async () => {
          const found = await kept();
          if (!found) await carryOut();
          else cached = factsOf(found, await found.cache.provide(found.key, found.place, carryOut));
          return own;
        },
        () => ({ refused_hosts: new Set(own.flatMap((report) => report.refusedHosts)).size, ...cached }),
      );
    } finally {
      this.reports.push(...own);
    }
  }
}

function factsOf({ key, mode }: KeptSetup, outcome: SetupOutcome): StageFacts {
  const facts = { cache: outcome.kind, cache_by: mode, cache_key: key.slice(0, 12) };
  return outcome.kind === 'not_kept' ? { ...facts, cache_why: outcome.why } : facts;
}
