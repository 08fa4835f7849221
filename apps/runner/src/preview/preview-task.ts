import { branchOf, type Task, type TaskPreview } from '@necrocode/contracts';
import { estimateTokens } from '@necrocode/llm';
import type { Mask } from '@necrocode/telemetry';
import type { RunnerConfig } from '../config/config-schema.js';
import { choosePlaybook } from '../playbook/playbook.js';
import { buildPrompt } from '../prompt/build-prompt.js';
import { viewOf } from '../prompt/repository-view.js';
import { pipelineSettings } from '../runner-services.js';
import { openBase, type OpenBase } from './open-base.js';

/**
 * The first request that a run of the task would send, made of the remote's present base. Asks nobody but
 * the repository, and changes nothing.
 *
 * @throws RunnerError unknown_playbook, and what `openBase` throws
 */
export async function previewTask(
  task: Task,
  config: RunnerConfig,
  mask: Mask,
  signal: AbortSignal,
): Promise<TaskPreview> {
  choosePlaybook(task.playbook);
  const { git, promptTokens, budget } = pipelineSettings(config);
  const { model, fallbacks, answer_format: format } = config.llm;
  await using base = await openBase(task, { ...git, protocols: [...git.protocols, 'file'] }, signal);
  const built = await buildPrompt(task, viewOf(base.tree), promptTokens, { format });
  const { max_rounds, max_tokens, max_cost_usd = null } = { ...budget, ...task.budget };
  return {
    prompt: built.messages.map(({ role, content }) => ({
      role,
      content: mask(content),
      tokens: estimateTokens(content),
    })),
    tokens: built.estimatedTokens,
    tokens_limit: promptTokens,
    files: [...built.shownFiles],
    left_out: built.cut.map((line) => line.replace(/^- /, '')),
    model,
    fallbacks: fallbacks.map((other) => other.model),
    answer_format: format,
    budget: { max_rounds, max_tokens, max_cost_usd },
    base_branch: base.remote.baseBranch,
    base_commit: base.remote.baseCommit,
    notes: notesOf(task, base, git.protocols),
  };
}

function notesOf(task: Task, { remote }: OpenBase, protocols: readonly string[]): string[] {
  const { workCommit } = remote;
  const notes: string[] = [];
  if (/^(\/|file:)/i.test(task.repo_url) && !protocols.includes('file')) {
    notes.push(
      'a runner with these settings refuses repositories on disk: git.protocols does not name file; demo and stack take them',
    );
  }
  if (workCommit !== undefined) {
    notes.push(
      `the branch ${branchOf(task)} exists at the remote (${workCommit.slice(0, 12)}); ` +
        'unless an earlier run of this task pushed it, a run ends as branch_conflict',
    );
  }
  return notes;
}
