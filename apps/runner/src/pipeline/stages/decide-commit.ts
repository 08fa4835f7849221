import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Task } from '@necrocode/contracts';
import { buildCommit, bundle, type ChangedTree } from '@necrocode/workspace';
import type { ArtifactStore, DecidedCommit, Lease, TaskRegistry } from '../ports.js';
import type { Workspace } from './prepare-workspace.js';

export interface Author {
  readonly name: string;
  readonly email: string;
}

/**
 * Builds the run's commit, stores it as a bundle and registers it. When an earlier attempt has decided,
 * its commit is the answer, and that is what has to be pushed.
 */
export async function decideCommit(
  task: Task,
  workspace: Workspace,
  change: ChangedTree,
  author: Author,
  lease: Lease,
  ports: { readonly registry: TaskRegistry; readonly store: ArtifactStore },
): Promise<DecidedCommit> {
  const { git, base, branch } = workspace;
  const { commit, tree } = await buildCommit(git, {
    base,
    branch,
    overlay: change.overlay,
    message: commitMessage(task, lease.run),
    author,
    date: new Date(),
  });
  const bundleFile = join(git.place.gitDir, 'decided.bundle');
  await bundle(git, { base, branch }, bundleFile);
  const stored = await ports.store.upload(lease, {
    type: 'commit_bundle',
    name: 'commit.bundle',
    mediaType: 'application/x-git-bundle',
    content: await readFile(bundleFile),
  });
  return ports.registry.decide(lease, {
    commit,
    tree,
    baseCommit: base,
    branch,
    bundleUri: stored.uri,
    bundleSha256: stored.sha256,
    filesChanged: [...change.overlay.keys()].sort(),
  });
}

/** `feat(task-{id}): {title}` and the trailers by which the commit is traced back to its task. */
export function commitMessage(task: Task, run: number): string {
  return `feat(task-${task.task_id}): ${task.title}\n\nTask-Key: ${task.spec_name}/${task.task_id}\nRun: ${run}\n`;
}
