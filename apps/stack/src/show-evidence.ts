import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskResult } from '@necrocode/contracts';

const longestDiff = 6_000;

/** What the command line's own report does not show: the diff, and where the artifacts are. */
export function showEvidence(result: TaskResult, artifactsDir: string): string {
  const artifacts = result.artifacts.map(
    ({ type, uri, size_bytes }) => `${type.padEnd(14)} ${String(size_bytes).padStart(8)} bytes  ${uri}`,
  );
  const warnings = result.warnings ?? [];
  return [
    ...(warnings.length > 0 ? [section('Warnings', warnings)] : []),
    section('Diff', diffOf(artifactsDir)),
    section('Artifacts', artifacts),
  ].join('\n');
}

function diffOf(artifactsDir: string): string[] {
  const file = existsSync(artifactsDir)
    ? readdirSync(artifactsDir).find((name) => name.startsWith('diff'))
    : undefined;
  if (!file) return [];
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
