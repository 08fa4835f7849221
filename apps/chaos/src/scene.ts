import type { Gate } from './gate.js';
import type { Ledger } from './ledger.js';
import type { GitRepositories } from './proxy/git-repositories.js';

/** What the proxies of a world share with whoever runs the tasks. */
export interface Scene {
  readonly gate: Gate;
  readonly ledger: Ledger;
  readonly repositories: GitRepositories;
}

/** Short, so that a run does not wait for long. */
export const leaseSeconds = 2;
export const ackWaitSeconds = 5;
