import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { formatProblems, parseTask, RunnerError, type Task } from '@necrocode/contracts';
import type { Logger } from '@necrocode/telemetry';
import type { RunnerConfig } from './config/config-schema.js';
import { previewTask } from './preview/preview-task.js';
import { maskFor } from './mask-for.js';

/** 2: there is no task to preview; 130: interrupted. */
export type PreviewExitCode = 0 | 1 | 2 | 130;

/** So long a repository may take. */
const deadlineMs = 300_000;

/**
 * What a run of the task would ask first, as JSON on standard output, without NATS, services and model;
 * what stands in the way is one line on standard error.
 *
 * @param taskFile path; `-` for standard input
 */
export async function runPreview(
  config: RunnerConfig,
  taskFile: string,
  log: Logger,
): Promise<PreviewExitCode> {
  const task = await readTask(taskFile);
  if (typeof task === 'string') return end(2, task);
  const stop = new AbortController();
  // Not `once`: an impatient second signal must not keep the temporary directory from being removed.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  const late = AbortSignal.timeout(deadlineMs);
  try {
    const signal = AbortSignal.any([stop.signal, late]);
    const preview = await previewTask(task, config, maskFor(config), signal);
    process.stdout.write(`${JSON.stringify(preview)}\n`);
    return 0;
  } catch (error) {
    if (stop.signal.aborted) return end(130, 'interrupted');
    if (late.aborted) return end(1, `the repository took longer than ${deadlineMs / 1000} s; try again`);
    const known = RunnerError.from(error);
    if (saysTooLittle.has(known.code)) log.error({ error }, 'no preview');
    return end(1, `${maskFor(config)(known.message)} (${known.code})`);
  }
}

/** Codes whose message refers to the log. */
const saysTooLittle: ReadonlySet<string> = new Set(['git_failed', 'workspace_failed', 'internal']);

/** The task, or why there is none. */
async function readTask(file: string): Promise<Task | string> {
  let body: Buffer;
  try {
    body = file === '-' ? await buffer(process.stdin) : await readFile(file);
  } catch (error) {
    return `${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`;
  }
  const parsed = parseTask(body);
  switch (parsed.kind) {
    case 'task':
      return parsed.task;
    case 'newer':
      return `schema_version ${parsed.schemaVersion} is newer than this runner`;
    case 'invalid':
      return `not a valid task: ${formatProblems(parsed.problems)}`;
  }
}

function end(code: PreviewExitCode, line: string): PreviewExitCode {
  process.stderr.write(`necrocode-runner: ${line}\n`);
  return code;
}
