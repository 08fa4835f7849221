import { StringDecoder } from 'node:string_decoder';
import { RunnerError, type TestRun } from '@necrocode/contracts';
import type { CommandLimits, CommandResult, LimitHit, Sandbox } from '@necrocode/sandbox';
import { addSpanEvent, counter, markSpanFailed, withSpan, type Mask, type Span } from '@necrocode/telemetry';
import type { StageFinding } from '../run-stage.js';
import { WholeLines } from '../whole-lines.js';

const refused = counter('necrocode.sandbox.refused_hosts', 'Places that commands of setup were not let to');

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
  /** Places that the command was not let to, as `host:port`. */
  readonly refusedHosts: readonly string[];
}

export interface CommandZone {
  readonly sandbox: Sandbox;
  readonly workTree: string;
  /** Kept between the commands of a task, so that caches of package managers serve the tests. */
  readonly homeDir: string;
  readonly network: boolean;
  readonly seenAt: { readonly workTree: string; readonly home: string };
  readonly timeoutMs: number;
  readonly outputLimitBytes: number;
  readonly limits: CommandLimits;
  readonly signal: AbortSignal;
  /** Hides secrets in what is shown while the command runs. */
  readonly mask: Mask;
  readonly onOutput: (text: string) => void;
  /** Told of each limit that ended or bounded a command. */
  readonly onLimit: (command: string, limit: LimitHit) => void;
}

/**
 * Runs commands in order, each in the sandbox and in a span of its own; with `failFast` the first failure ends it.
 *
 * @param reports is given each report as it comes, so that it holds what there is also when the work is ended
 */
export async function runCommands(
  commands: readonly string[],
  zone: CommandZone,
  failFast: boolean,
  reports: CommandReport[],
): Promise<readonly CommandReport[]> {
  for (const command of commands) {
    zone.signal.throwIfAborted();
    const report = await runOne(command, zone);
    reports.push(report);
    zone.signal.throwIfAborted();
    if (!report.passed && failFast) break;
  }
  return reports;
}

/** What ended a command from outside: the task's own end. */
function endOfWork({ reason }: AbortSignal): string {
  return reason instanceof RunnerError ? reason.code : 'cancelled';
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

/** What a trace tells of a stage that ran commands. */
export function findingOf(
  reports: readonly CommandReport[],
  code: 'setup_failed' | 'tests_failed',
): StageFinding {
  const failing = reports.filter(({ passed }) => !passed);
  return {
    attributes: { 'necrocode.commands': reports.length, 'necrocode.commands.failed': failing.length },
    ...(failing.length > 0 && { setback: { code, message: describeFailures(failing) } }),
  };
}

/** One line about commands that did not pass. */
export function describeFailures(failing: readonly CommandReport[]): string {
  return failing.map((report) => `"${report.command}" ${describeEnd(report)}`).join('; ');
}

function describeEnd({ limitHit, exitCode }: Pick<CommandReport, 'limitHit' | 'exitCode'>): string {
  if (limitHit) return `was ended by the limit: ${limitHit}`;
  return `ended with ${exitCode === null ? 'a signal' : `exit code ${exitCode}`}`;
}

function runOne(command: string, zone: CommandZone): Promise<CommandReport> {
  const attributes = { 'process.command_line': command, 'necrocode.sandbox.network': zone.network };
  return withSpan('command', { attributes }, async (span) => {
    const lines = new WholeLines(zone.onOutput);
    const masked = zone.mask.stream();
    const decoder = new StringDecoder();
    const result: CommandResult = await zone.sandbox.runCommand(command, {
      ...zone,
      home: zone.homeDir,
      onOutput: (text) => lines.add(decoder.write(masked.write(Buffer.from(text)))),
    });
    lines.add(decoder.end(masked.flush()));
    lines.end();
    const passed = result.exitCode === 0 && !result.timedOut;
    span.setAttributes({ 'process.exit.code': result.exitCode ?? -1, 'necrocode.command.passed': passed });
    const refusedHosts = (result.refusals ?? []).map(({ destination }) => destination);
    noteRefused(span, refusedHosts);
    const { exitCode, durationMs, output, stdout, stderr } = result;
    if (result.limitHit && !result.cancelled) zone.onLimit(command, result.limitHit);
    const limitHit = result.cancelled ? endOfWork(zone.signal) : result.limitHit;
    if (limitHit) span.setAttribute('necrocode.command.limit_hit', limitHit);
    if (!passed) markSpanFailed(limitHit ?? 'command_failed', describeEnd({ limitHit, exitCode }));
    return { command, exitCode, durationMs, passed, limitHit, output, stdout, stderr, refusedHosts };
  });
}

function noteRefused(span: Span, hosts: readonly string[]): void {
  if (hosts.length === 0) return;
  span.setAttribute('necrocode.sandbox.refused_hosts', hosts.length);
  for (const host of hosts) addSpanEvent('host refused', { 'server.address': host });
  refused.add(hosts.length);
}
