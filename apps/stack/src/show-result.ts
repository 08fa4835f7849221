import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskResult } from '@necrocode/contracts';

const longestDiff = 6_000;

/** The result as the demonstration prints it: branch, diff, tests, artifacts. */
export function showResult(result: TaskResult, artifactsDir: string): string {
  return [
    section('Result', facts(result)),
    section('Diff', diffOf(artifactsDir)),
    section(
      'Tests',
      result.tests.map(
        (test) =>
          `${test.passed ? 'passed' : 'FAILED'}  ${test.command}  (${test.duration_ms} ms, sandbox: ${result.sandbox ?? 'none'})`,
      ),
    ),
    section(
      'Artifacts',
      result.artifacts.map(
        ({ type, uri, size_bytes }) => `${type.padEnd(14)} ${String(size_bytes).padStart(8)} bytes  ${uri}`,
      ),
    ),
  ].join('\n');
}

function facts(result: TaskResult): string[] {
  const { usage } = result;
  const cost = usage.cost_usd === null ? 'price not known' : `${usage.cost_usd.toFixed(4)} USD`;
  return [
    `status   ${result.status}${result.error ? `: ${result.error.code} in ${result.error.stage ?? 'the pipeline'}: ${result.error.message}` : ''}`,
    `branch   ${result.branch ?? '-'}${result.pushed ? ' (pushed)' : ' (not pushed)'}`,
    `commit   ${result.commit ?? '-'} on ${result.base_commit ?? '-'}`,
    `rounds   ${result.rounds}`,
    `tokens   ${usage.input_tokens} in, ${usage.output_tokens} out, ${usage.llm_calls} calls, ${cost}`,
    ...(result.warnings ?? []).map((warning) => `warning  ${warning}`),
  ];
}

function diffOf(artifactsDir: string): string[] {
  const file = existsSync(artifactsDir)
    ? readdirSync(artifactsDir).find((name) => name.startsWith('diff'))
    : undefined;
  if (!file) return ['(none)'];
  const text = readFileSync(join(artifactsDir, file), 'utf8');
  const shown =
    text.length > longestDiff
      ? `${text.slice(0, longestDiff)}\n… ${text.length - longestDiff} more characters`
      : text;
  return shown.trimEnd().split('\n');
}

function section(title: string, lines: readonly string[]): string {
  return `\n${title}\n${(lines.length > 0 ? lines : ['(none)']).map((line) => `  ${line}`).join('\n')}`;
}
