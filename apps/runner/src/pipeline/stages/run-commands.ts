import type { TestRun } from '@necrocode/contracts';
import type { CommandResult, Sandbox } from '@necrocode/sandbox';
import { withSpan } from '@necrocode/telemetry';

export interface CommandReport {
  readonly command: string;
  readonly exitCode: number | null;
  readonly durationMs: number;
  readonly passed: boolean;
  /** The limit that ended or bounded the command. */
  readonly limitHit: string | null;
  /** Both streams as they came, bounded. */
  readonly output: string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandZone {
  readonly sandbox: Sandbox;
  readonly workTree: string;
  /** Kept between the commands of a task, so that caches of package managers serve the tests. */
  readonly homeDir: string;
  readonly network: boolean;
  readonly timeoutMs: number;
  readonly outputLimitBytes: number;
  readonly signal: AbortSignal;
  readonly onOutput: (text: string) => void;
}

/** Runs commands in order, each in the sandbox and in a span of its own; with `failFast` the first failure ends it. */
export async function runCommands(
  commands: readonly string[],
  zone: CommandZone,
  failFast: boolean,
): Promise<CommandReport[]> {
  const reports: CommandReport[] = [];
  for (const command of commands) {
    zone.signal.throwIfAborted();
    const report = await runOne(command, zone);
    reports.push(report);
    if (!report.passed && failFast) break;
  }
  return reports;
}

/** The part of a report that goes into the result. */
export function testRunOf(report: CommandReport): TestRun {
  return {
    command: report.command,
    exit_code: report.exitCode,
    duration_ms: Math.round(report.durationMs),
    passed: report.passed,
    limit_hit: report.limitHit,
  };
}

function runOne(command: string, zone: CommandZone): Promise<CommandReport> {
  const attributes = { 'process.command_line': command, 'necrocode.sandbox.network': zone.network };
  return withSpan('command', { attributes }, async (span) => {
    const result: CommandResult = await zone.sandbox.runCommand(command, {
      ...zone,
      home: zone.homeDir,
    });
    if (result.cancelled) zone.signal.throwIfAborted();
    const passed = result.exitCode === 0 && !result.timedOut;
    span.setAttributes({ 'process.exit.code': result.exitCode ?? -1, 'necrocode.command.passed': passed });
    const { exitCode, durationMs, limitHit, output, stdout, stderr } = result;
    return { command, exitCode, durationMs, passed, limitHit, output, stdout, stderr };
  });
}
