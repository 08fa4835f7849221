import type { Task } from '@necrocode/contracts';
import { estimateTokens, type ChatMessage } from '@necrocode/llm';
import { isShowable, rankFiles } from './choose-files.js';
import { systemPrompt } from './system-prompt.js';

/** The repository at the base commit, as far as a prompt needs it. */
export interface RepositoryView {
  /** Every file, in git's order. */
  readonly paths: readonly string[];
  /** Bytes; undefined for what is not a file. */
  sizeOf(path: string): number | undefined;
  read(paths: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
}

export interface BuiltPrompt {
  readonly messages: readonly ChatMessage[];
  readonly shownFiles: readonly string[];
  readonly estimatedTokens: number;
  /** What had to be left out, also told to the model; empty when nothing was. */
  readonly cut: readonly string[];
}

/** Shares of the budget; the files get what the others leave. */
const treeShare = 0.2;
/** A file larger than this is not worth the room of ten others. */
const largestFileBytes = 200_000;

/**
 * The first request of a task: stable part first, then the task, the file list, the files.
 *
 * @param maxTokens estimated tokens that the request may hold
 */
export async function buildPrompt(task: Task, view: RepositoryView, maxTokens: number): Promise<BuiltPrompt> {
  const cut: string[] = [];
  const work = describeTask(task);
  const tree = listTree(view.paths, Math.floor(maxTokens * treeShare), cut);
  const room = maxTokens - estimateTokens(systemPrompt) - estimateTokens(work) - estimateTokens(tree);
  const files = await chooseFiles(task, view, room, cut);
  const left = cut.length > 0 ? `\n\n# Left out\n${cut.join('\n')}` : '';
  const content = `${work}\n\n# Files of the repository\n${tree}\n\n# Contents\n${renderFiles(files)}${left}`;
  return {
    messages: [
      { role: 'system', content: systemPrompt },
      { role: 'user', content },
    ],
    shownFiles: files.map(({ path }) => path),
    estimatedTokens: estimateTokens(systemPrompt) + estimateTokens(content),
    cut,
  };
}

/** Files as a message shows them, each fenced by its path. */
export function renderFiles(files: readonly { readonly path: string; readonly text: string }[]): string {
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

function listTree(paths: readonly string[], maxTokens: number, cut: string[]): string {
  let used = 0;
  // Shallow files say most about a repository.
  const shallowFirst = [...paths].sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
  const listed = shallowFirst.filter((path) => (used += estimateTokens(path) + 1) <= maxTokens);
  if (listed.length < paths.length)
    cut.push(`- ${paths.length - listed.length} files are not in the list above`);
  return listed.sort().join('\n');
}

async function chooseFiles(
  task: Task,
  view: RepositoryView,
  maxTokens: number,
  cut: string[],
): Promise<{ path: string; text: string }[]> {
  const fits = (path: string) => (view.sizeOf(path) ?? Infinity) <= largestFileBytes;
  const ranked = rankFiles(task, view.paths);
  const wanted: string[] = [];
  let room = maxTokens;
  for (const path of ranked) {
    const tokens = Math.ceil((view.sizeOf(path) ?? 0) / 4) + 20;
    if (fits(path) && tokens <= room) {
      wanted.push(path);
      room -= tokens;
    } else if (task.related_files?.includes(path)) {
      cut.push(`- ${path} is too large to be shown (${view.sizeOf(path) ?? 0} bytes)`);
    }
  }
  for (const path of task.related_files ?? []) {
    if (view.sizeOf(path) === undefined) cut.push(`- ${path} does not exist at the base commit`);
  }
  const contents = await view.read(wanted);
  return wanted.flatMap((path) => {
    const bytes = contents.get(path);
    return bytes && isShowable(bytes) ? [{ path, text: new TextDecoder().decode(bytes) }] : [];
  });
}

function depth(path: string): number {
  return path.split('/').length;
}
