import type { ErrorCode, Task } from '@necrocode/contracts';
import type { ChangedTree } from '@necrocode/workspace';
import type { Contents, Dialogue, Tell } from '../prompt/dialogue.js';
import type { IgnoredFiles } from '../prompt/ignored-files.js';
import type { Budget } from './budget.js';
import type { CommitDraft } from './commit-draft.js';
import type { TokensInChanges } from './object-to-secrets.js';
import type { PreparedCommands } from './prepare-commands.js';
import type { RoundHistory } from './round-history.js';
import type { Stages, TellEvent } from './run-stage.js';
import type { SensitiveFiles } from './sensitive-files.js';
import type { Workspace } from './stages/prepare-workspace.js';
import type { Proposer } from './stages/propose-change.js';

/** What the rounds of an attempt work with. */
export interface RoundsInput extends Proposer {
  readonly task: Task;
  readonly workspace: Workspace;
  readonly budget: Budget;
  /** Estimated tokens that the first request may hold. */
  readonly promptTokens: number;
  /** The same of every later one. */
  readonly conversationTokens: number;
  readonly draft: Pick<CommitDraft, 'begin'>;
  readonly commands: Pick<PreparedCommands, 'ready' | 'setup' | 'test'>;
  readonly sensitiveFiles: SensitiveFiles;
  readonly stages: Stages;
  readonly tell: TellEvent;
  readonly tokensInChanges: TokensInChanges;
}

/** What a round starts from. */
export interface RoundScene extends RoundsInput {
  readonly current: ChangedTree;
  readonly dialogue: Dialogue;
  /** Files of the base that the model is not shown. */
  readonly ignores: IgnoredFiles;
  readonly past: RoundHistory;
  /** Estimated tokens for what the model is told afterwards. */
  readonly tellTokens: number;
  /** How often the model has asked for files before. */
  readonly fileRequests: number;
}

/** Why a round did not succeed. */
export interface Setback {
  readonly code: ErrorCode;
  /** Which case of the code it is, where there are several, such as `cut_off` or `missing`. */
  readonly reasonCode?: string | undefined;
  /** For people; begins with the reason code, since that of the result says no more than the code. */
  readonly why: string;
  /** The earlier round that this one repeats. */
  readonly sameAs?: number | undefined;
}

/** How a round ended: `change` is what the files are now, `tell` what the model hears, `shows` what it sees in it. */
export type Round =
  | { readonly kind: 'passed'; readonly change: ChangedTree }
  | {
      readonly kind: 'wants_files';
      readonly change: ChangedTree;
      readonly tell: Tell;
      readonly shows: Contents;
    }
  | {
      readonly kind: 'set_back';
      readonly change: ChangedTree;
      readonly tell: Tell;
      readonly shows: Contents;
      readonly setback: Setback;
    };
