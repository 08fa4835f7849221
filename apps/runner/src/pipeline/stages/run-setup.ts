import type { StageFacts } from '../run-stage.js';
import { runCommands, type CommandReport, type CommandZone } from './run-commands.js';

/** Files after whose change what was installed before may be wrong. */
const manifests =
  /(^|\/)(package\.json|package-lock\.json|pnpm-lock\.yaml|yarn\.lock|requirements[^/]*\.txt|pyproject\.toml|setup\.(py|cfg)|go\.(mod|sum)|Cargo\.(toml|lock)|pom\.xml|build\.gradle(\.kts)?|[^/]+\.csproj)$/;

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
  ) {
    this.state = this.run();
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

  private async run(): Promise<readonly CommandReport[]> {
    if (this.commands.length === 0) return [];
    const own: CommandReport[] = [];
    try {
      return await this.inStage(
        () => runCommands(this.commands, this.zone, true, own),
        () => ({ refused_hosts: new Set(own.flatMap((report) => report.refusedHosts)).size }),
      );
    } finally {
      this.reports.push(...own);
    }
  }
}
