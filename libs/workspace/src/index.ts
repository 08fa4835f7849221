/**
 * A task's workspace: git that trusts nothing, the change set, and files that stay inside.
 */
export * from './git.js';
