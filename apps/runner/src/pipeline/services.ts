import type { QueuePlace } from '@necrocode/contracts';
import type { Life } from '@necrocode/messaging';
import type { CommandLimits, Sandbox } from '@necrocode/sandbox';
import type { Logger, Mask } from '@necrocode/telemetry';
import type { BudgetLimits } from './budget.js';
import type { Models } from './model-choice.js';
import type { LeaseTimes } from './keep-leases.js';
import type { CancelDesk } from './cancel-desk.js';
import type { ArtifactStore, OpenSetupCache, RepoPool, Spool, TaskRegistry, TellLive } from './ports.js';
import type { TokensInChanges } from './object-to-secrets.js';
import type { Author } from './commit-draft.js';
import type { StageTimeouts } from './stage-clock.js';
import type { SensitiveFiles } from './sensitive-files.js';
import type { GitSettings } from './stages/prepare-workspace.js';

/** One delivery of a message that should hold a task. */
export interface Delivery {
  readonly body: Uint8Array;
  readonly place: QueuePlace;
  readonly subject: string;
  /** Identifies the stored message over all of its deliveries, and no other. */
  readonly messageId: string;
  /** Headers of the publisher's own. */
  readonly headers: Readonly<Record<string, string>>;
  readonly deliveries: number;
  readonly publishedAt: Date;
  /** Shows that the delivery is being worked on; whoever works sets its deadlines. */
  readonly life: Life;
}

export interface PipelineSettings {
  readonly leases: LeaseTimes;
  readonly timeoutSeconds: number;
  readonly stageTimeouts: StageTimeouts;
  readonly budget: BudgetLimits;
  readonly promptTokens: number;
  readonly conversationTokens: number;
  readonly requireTests: boolean;
  readonly commandTimeoutMs: number;
  readonly outputLimitBytes: number;
  readonly limits: CommandLimits;
  readonly git: GitSettings;
  readonly sensitiveFiles: SensitiveFiles;
  /** How long a report that only the disk has taken is waited for before the message is given back. */
  readonly reportWaitMs: number;
  readonly author: Author;
  readonly tokensInChanges: TokensInChanges;
}

/** What the pipeline works with: made once per runner, shared by all of its tasks. */
export interface Services {
  readonly runnerId: string;
  readonly registry: TaskRegistry;
  readonly pool: RepoPool;
  readonly store: ArtifactStore;
  readonly spool: Spool;
  readonly models: Models;
  readonly sandbox: Sandbox;
  readonly openSetupCache: OpenSetupCache;
  readonly settings: PipelineSettings;
  readonly log: Logger;
  readonly logLevel: string;
  readonly mask: Mask;
  readonly tellLive: TellLive;
  readonly bury: (letter: {
    readonly delivery: Delivery;
    readonly code: string;
    readonly reason: string;
  }) => Promise<void>;
  readonly cancels: CancelDesk;
  /** Aborted when the runner has to stop and its tasks have no more time. */
  readonly shutdown: AbortSignal;
}
