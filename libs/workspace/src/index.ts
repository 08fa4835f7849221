/**
 * A task's workspace: git that trusts nothing, the change set, and files that stay inside.
 *
 *   const base = await BaseTree.load(git, commit);
 *   const outcome = await applyAnswer(ChangedTree.of(base), answer.code_changes);
 *   if (outcome.kind === 'applied') await writeChanges(workTree, ChangedTree.of(base), outcome.tree);
 */
export * from './git.js';
export * from './git-errors.js';
export * from './slot-directory.js';
export { GitDirSeal } from './git-dir-seal.js';
export type { ObjectFormat } from './git-dir-config.js';
export { branchAllowed } from './branch-patterns.js';
export * from './repo-url.js';
export * from './credentials.js';
export { openCredentialsDirectory } from './credentials-directory.js';
export { hostMatches } from './host-patterns.js';
export * from './remote.js';
export * from './push.js';
export * from './checkout.js';
export { BaseTree, type ContentReader, type EntryMode, type TreeEntry } from './base-tree.js';
export * from './path-rules.js';
export { ChangedTree, type History, type Overlay, type OverlayEntry } from './changed-tree.js';
export * from './change-set.js';
export { formatChangeProblems, type ChangeProblem, type ProblemReason } from './change-problem.js';
export { similarPaths } from './similar-paths.js';
export { matchEdit, type Match, type NoMatch } from './match-edit.js';
export { matchLayers, type MatchLayer } from './match/match-layer.js';
export { emptyDirectory, writeChanges, type WriteOutcome } from './write-changes.js';
export type { Obstacle } from './find-obstacles.js';
export * from './commit.js';
export * from './answer-of-commit.js';
