import type { TaskResult, Usage } from '@necrocode/contracts';
import { renderArtifacts } from './artifact-list.js';
import { styleOfStatus } from './status-style.js';
import { renderTable } from './table.js';
import type { TaskDocument } from './task-document.js';
import { harmless, harmlessLine, harmlessLines, paint, type Terminal } from './terminal.js';
import { showCost, showCount, showDuration } from './units.js';

/** What a human wants to know of a task, the most important first. */
export function renderTaskReport(key: string, document: TaskDocument, terminal: Terminal): string {
  const { task, status, artifacts, result } = document;
  const title = typeof task?.title === 'string' ? `  ${harmlessLine(task.title)}` : '';
  const standing = [paint(terminal, styleOfStatus(status) ?? 'reset', status), ...whoOrWhy(document)];
  const sections = [
    `${paint(terminal, 'bold', key)}${title}\n${standing.join(' · ')}`,
    result ? renderResult(result, terminal) : '',
    artifacts.length > 0 ? section('artifacts', renderArtifacts(artifacts, terminal), terminal) : '',
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

/** Who works or has worked on the present run, or what it waits for. */
function whoOrWhy({ status, attempts, events }: TaskDocument): string[] {
  const last = attempts.at(-1);
  if (status === 'blocked') {
    const reason = events.findLast(({ type }) => type === 'TaskParked')?.data.reason;
    return typeof reason === 'string' ? [harmlessLine(reason)] : [];
  }
  // The attempts of a task that is ready are of earlier runs, or have been given up.
  if (!last || status === 'ready') return [];
  return [`run ${last.run}`, `attempt ${last.attempt}`, `runner ${last.runner_id}`];
}

/** How a run ended: branch, tests, costs, times and error. */
export function renderResult(result: TaskResult, terminal: Terminal): string {
  const sections = [
    renderFacts(result),
    result.error ? renderError(result.error, terminal) : '',
    result.tests.length > 0 ? section('tests', renderTests(result, terminal), terminal) : '',
    Object.keys(result.timings).length > 0
      ? section('timings', renderTimings(result, terminal), terminal)
      : '',
    result.warnings?.length
      ? section('warnings', result.warnings.map(harmlessLine).join('\n'), terminal)
      : '',
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

function renderFacts(result: TaskResult): string {
  const facts: readonly (readonly [string, string | null])[] = [
    ['branch', result.branch],
    ['commit', result.commit && `${result.commit}${result.pushed ? ', pushed' : ', not pushed'}`],
    ['files', result.files_changed.length > 0 ? result.files_changed.map(harmlessLine).join(', ') : null],
    ['rounds', result.rounds > 0 ? String(result.rounds) : null],
    ['tokens', showTokens(result.usage)],
    ['cost', showPrice(result.usage)],
    ['waited', result.queue_wait_ms === null ? null : `${showDuration(result.queue_wait_ms)} in the queue`],
    ['sandbox', result.sandbox],
    ['trace', result.trace_id],
  ];
  return facts.flatMap(([name, value]) => (value ? [`${name.padEnd(9)}${value}`] : [])).join('\n');
}

/** `1,200 in (200 cached), 300 out, 2 calls of gpt`; null when no model was asked. */
export function showTokens(usage: Usage): string | null {
  if (usage.llm_calls === 0) return null;
  const cached = usage.cached_tokens > 0 ? ` (${showCount(usage.cached_tokens)} cached)` : '';
  const calls = usage.llm_calls === 1 ? '1 call' : `${showCount(usage.llm_calls)} calls`;
  const model = usage.model === null ? '' : ` of ${harmless(usage.model)}`;
  return `${showCount(usage.input_tokens)} in${cached}, ${showCount(usage.output_tokens)} out, ${calls}${model}`;
}

function showPrice(usage: Usage): string | null {
  if (usage.llm_calls === 0) return null;
  return usage.cost_usd === null ? 'not known for this model' : showCost(usage.cost_usd);
}

function renderError(error: NonNullable<TaskResult['error']>, terminal: Terminal): string {
  const stage = error.stage === null ? '' : ` in ${error.stage}`;
  return `${paint(terminal, 'red', error.code)}${stage}: ${harmlessLines(error.message)}`;
}

function renderTests({ tests }: TaskResult, terminal: Terminal): string {
  return renderTable(
    [
      {
        title: 'RESULT',
        show: ({ passed }) => (passed ? 'passed' : 'failed'),
        style: ({ passed }) => (passed ? 'green' : 'red'),
      },
      { title: 'COMMAND', show: ({ command }) => harmlessLine(command) },
      { title: 'EXIT', show: ({ exit_code: code }) => (code === null ? '-' : String(code)), align: 'right' },
      { title: 'TIME', show: ({ duration_ms: ms }) => showDuration(ms), align: 'right' },
      { title: 'LIMIT', show: ({ limit_hit: limit }) => limit ?? '' },
    ],
    tests,
    terminal,
  );
}

const longestBar = 30;

function renderTimings({ timings }: TaskResult, terminal: Terminal): string {
  const stages = Object.entries(timings);
  const longest = Math.max(...stages.map(([, ms]) => ms), 1);
  const nameWidth = Math.max(...stages.map(([name]) => name.length));
  const timeWidth = Math.max(...stages.map(([, ms]) => showDuration(ms).length));
  return stages
    .map(([name, ms]) => {
      const bar = '█'.repeat(Math.round((ms / longest) * longestBar)) || '▏';
      return `${name.padEnd(nameWidth)}  ${showDuration(ms).padStart(timeWidth)}  ${paint(terminal, 'cyan', bar)}`;
    })
    .join('\n');
}

function section(title: string, body: string, terminal: Terminal): string {
  const indented = body
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
  return `${paint(terminal, 'bold', title)}\n${indented}`;
}
