import type { Task } from '@necrocode/contracts';
import { estimateTokens, type ChatMessage } from '@necrocode/llm';
import type { AnswerFormat } from './answer-format.js';
import { readIgnoredFiles, type IgnoredFiles } from './ignored-files.js';
import { leftOutTokens } from './left-out.js';
import type { RepositoryView } from './repository-view.js';
import { selectFiles, type ShownFile } from './select-files.js';
import { systemPromptFor } from './system-prompt.js';

export type { RepositoryView } from './repository-view.js';

export interface BuiltPrompt {
  readonly messages: readonly ChatMessage[];
  /** Most relevant first. */
  readonly shownFiles: readonly string[];
  readonly estimatedTokens: number;
  /** What had to be left out, also told to the model; empty when nothing was. */
  readonly cut: readonly string[];
  /** Files of the base that are not to be shown later either. */
  readonly ignores: IgnoredFiles;
}

/** Shares of the budget; the files get what the others leave. */
const treeShare = 0.2;
/** For the note on files that the list does not have. */
const noteTokens = 40;

/**
 * The first request of a task: stable part first, then the task, the file list, the files.
 *
 * @param maxTokens estimated tokens that the request may hold
 * @param options `format` is the form in which the model is asked to answer
 */
export async function buildPrompt(
  task: Task,
  view: RepositoryView,
  maxTokens: number,
  { format = 'json' }: { readonly format?: AnswerFormat } = {},
): Promise<BuiltPrompt> {
  const system = systemPromptFor(format);
  const work = describeTask(task);
  const tree = listTree(view.paths, Math.floor(maxTokens * treeShare));
  const taken =
    estimateTokens(system) + estimateTokens(work) + estimateTokens(tree.text) + leftOutTokens + noteTokens;
  const ignores = await readIgnoredFiles(view);
  const files = await selectFiles(task, view, ignores, maxTokens - taken);
  const cut = [...tree.cut, ...files.cut];
  const left = cut.length > 0 ? `\n\n# Left out\n${cut.join('\n')}` : '';
  const content = `${work}\n\n# Files of the repository\n${tree.text}\n\n# Contents\n${renderFiles(files.shown)}${left}`;
  return {
    messages: [
      { role: 'system', content: system },
      { role: 'user', content },
    ],
    shownFiles: files.shown.map(({ path }) => path),
    estimatedTokens: estimateTokens(system) + estimateTokens(content),
    cut,
    ignores,
  };
}

/** Files as a message shows them, each fenced by its path. */
export function renderFiles(files: readonly ShownFile[]): string {
  if (files.length === 0) return '(none shown)';
  return files.map(({ path, text }) => `<file path=${JSON.stringify(path)}>\n${text}\n</file>`).join('\n');
}

function describeTask(task: Task): string {
  const parts = [`Task: ${task.spec_name}/${task.task_id}`, `# ${task.title}`, task.description];
  if (task.acceptance_criteria?.length) {
    parts.push(`# Acceptance criteria\n${task.acceptance_criteria.map((line) => `- ${line}`).join('\n')}`);
  }
  if (task.dependencies?.length) {
    parts.push(
      `# Dependencies\nThese tasks of ${task.spec_name} are done already: ${task.dependencies.join(', ')}`,
    );
  }
  if (task.test_commands?.length) {
    parts.push(`# Tests that will run\n${task.test_commands.map((line) => `- ${line}`).join('\n')}`);
  }
  return parts.join('\n\n');
}

function listTree(paths: readonly string[], maxTokens: number): { text: string; cut: string[] } {
  let used = 0;
  // Shallow files say most about a repository.
  const shallowFirst = [...paths].sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
  const listed = shallowFirst.filter((path) => (used += estimateTokens(path) + 1) <= maxTokens);
  const missing = paths.length - listed.length;
  const cut = missing > 0 ? [`- ${missing} files are not in the list above`] : [];
  return { text: listed.sort().join('\n'), cut };
}

function depth(path: string): number {
  return path.split('/').length;
}
