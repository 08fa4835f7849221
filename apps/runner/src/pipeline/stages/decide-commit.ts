import type { ChangedTree } from '@necrocode/workspace';
import type { Draft } from '../commit-draft.js';
import type { ArtifactStore, DecidedCommit, Lease, TaskRegistry } from '../ports.js';
import type { Workspace } from './prepare-workspace.js';

/**
 * Stores the run's commit as a bundle and registers it. When an earlier attempt has decided, its commit
 * is the answer, and that is what has to be pushed.
 */
export async function decideCommit(
  { base, branch }: Workspace,
  change: ChangedTree,
  { commit, tree, bundle }: Draft,
  lease: Lease,
  ports: { readonly registry: TaskRegistry; readonly store: ArtifactStore },
): Promise<DecidedCommit> {
  const stored = await ports.store.upload(lease, {
    type: 'commit_bundle',
    name: 'commit.bundle',
    mediaType: 'application/x-git-bundle',
    content: bundle,
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
