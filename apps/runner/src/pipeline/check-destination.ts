import { branchOf, RunnerError, type Task } from '@necrocode/contracts';
import { branchAllowed, checkRepoUrl, type CheckedRepoUrl } from '@necrocode/workspace';
import type { GitSettings } from './stages/prepare-workspace.js';

export type AllowedRepoUrl = Extract<CheckedRepoUrl, { kind: 'allowed' }>;

/**
 * Judges where a task reads from and pushes to, before anybody is asked anything.
 *
 * @throws RunnerError repo_not_allowed, branch_not_allowed
 */
export function checkDestination(task: Task, settings: GitSettings): AllowedRepoUrl {
  const repository = checkRepoUrl(task.repo_url, settings);
  if (repository.kind === 'refused')
    throw new RunnerError('repo_not_allowed', `repo_url: ${repository.problem}`);
  const branch = branchOf(task);
  if (branchAllowed(branch, settings.branches)) return repository;
  const message = `branch_name: ${branch} is none of those that the configuration allows (git.branches)`;
  throw new RunnerError('branch_not_allowed', message);
}
