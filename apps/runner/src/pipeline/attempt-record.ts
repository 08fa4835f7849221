import { noUsage, type ArtifactRef, type ErrorCode, type Usage } from '@necrocode/contracts';
import type { ChatAnswer, ChatMessage } from '@necrocode/llm';
import type { ChangedTree } from '@necrocode/workspace';
import type { AnswerFormat } from '../prompt/answer-format.js';
import type { Repeated } from '../prompt/dialogue.js';
import { emptyCheckpoint, type Checkpoint, type StoredAnswer } from './checkpoint.js';
import type { DecidedCommit } from './ports.js';
import type { CommandReport } from './stages/run-commands.js';

/** One exchange with the model, for the transcript. */
export interface Exchange {
  readonly round: number;
  /** The form that was asked for, which decides the system part. */
  readonly format: AnswerFormat;
  /** What this request added to the conversation. */
  readonly asked: readonly ChatMessage[];
  /** What it repeated of the exchanges before. */
  readonly history: readonly Repeated[];
  /** Absent where the request failed. */
  readonly answer?: string;
  readonly finishReason?: StoredAnswer['finish_reason'];
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  readonly model: string | null;
  readonly usage: ChatAnswer['usage'] | null;
  readonly latencyMs: number | null;
  /** True when an earlier attempt had asked and paid for it. */
  readonly replayed: boolean;
}

/**
 * What is known about an attempt so far. Stages add facts; uploading and reporting read them, also
 * when the attempt ended in the middle.
 */
export class AttemptRecord {
  rounds = 0;
  usage: Usage = noUsage;
  /** As it was saved last. */
  checkpoint: Checkpoint = emptyCheckpoint;
  baseCommit: string | null = null;
  branch: string | null = null;
  change: ChangedTree | undefined;
  decided: DecidedCommit | undefined;
  pushed = false;
  /** A push was tried, by this attempt or perhaps an earlier one, and nobody knows whether the remote took it. */
  pushUnclear = false;
  diff: Buffer | undefined;
  readonly warnings: string[] = [];
  readonly exchanges: Exchange[] = [];
  readonly setupRuns: CommandReport[] = [];
  /** Of each round that came to testing, the newest last. */
  readonly testRuns: CommandReport[][] = [];
  readonly artifacts: ArtifactRef[] = [];
  /** Calls of the model that brought nothing and may be paid for; they count as calls, not against the budget. */
  unanswered = 0;
  private roundsBefore = 0;
  private roundsSince: number | undefined;

  /** Seconds that the rounds of the run have taken, over all attempts. */
  get roundsSeconds(): number {
    if (this.roundsSince === undefined) return this.roundsBefore;
    return this.roundsBefore + (performance.now() - this.roundsSince) / 1000;
  }

  /** What an attempt repeats of an earlier one is not counted again: time runs on once it asks anew. */
  countRounds(secondsBefore: number): void {
    if (this.roundsSince !== undefined) return;
    this.roundsBefore = secondsBefore;
    this.roundsSince = performance.now();
  }

  warn(warning: string): void {
    if (!this.warnings.includes(warning)) this.warnings.push(warning);
  }

  /** Goes on where an earlier attempt has stopped. */
  resume(checkpoint: Checkpoint): void {
    this.checkpoint = checkpoint;
    this.usage = checkpoint.usage ?? noUsage;
    this.unanswered = checkpoint.unanswered ?? 0;
  }

  addUnanswered(): void {
    this.unanswered += 1;
    this.usage = { ...this.usage, llm_calls: this.usage.llm_calls + 1 };
  }

  addUsage({ model, usage: used, cost_usd: cost }: StoredAnswer): void {
    const { usage } = this;
    const first = usage.llm_calls === this.unanswered;
    const costKnown = typeof cost === 'number' && (first || usage.cost_usd !== null);
    this.usage = {
      model: model ?? usage.model,
      input_tokens: usage.input_tokens + (used?.inputTokens ?? 0),
      cached_tokens: usage.cached_tokens + (used?.cachedTokens ?? 0),
      output_tokens: usage.output_tokens + (used?.outputTokens ?? 0),
      cost_usd: costKnown ? (usage.cost_usd ?? 0) + cost : null,
      llm_calls: usage.llm_calls + 1,
    };
  }
}
