import { RunnerError, type ErrorCode } from '@necrocode/contracts';
import type { ChatAnswer, ChatOptions, ChatRequest, LlmClient, UnfitModel } from '@necrocode/llm';
import type { AnswerFormat } from '../prompt/answer-format.js';

export interface Model {
  readonly client: LlmClient;
  /** How it is asked to write its changes. */
  readonly format: AnswerFormat;
}

/** Failures of a model for which another one may be asked; each may have an endpoint and rights of its own. */
const passedOn: ReadonlySet<ErrorCode> = new Set([
  'llm_unavailable',
  'llm_timeout',
  'llm_rate_limited',
  'llm_bad_response',
  'llm_auth_failed',
]);

/** The same of requests that are wrong for this model only. */
const unfit: ReadonlySet<string> = new Set<UnfitModel>(['model_not_found', 'context_length_exceeded']);

/** So many answers in a row that cannot be read, and the next model is asked. */
const unreadableLimit = 2;

export interface ModelChange {
  readonly from: string;
  readonly to: string;
  /** The code of the failure, or its reason where it has one. */
  readonly why: string;
}

/** The models of a runner, the preferred one first. */
export type Models = readonly [Model, ...Model[]];

/** The model in use, and those that take its place when it fails. A model that was left is not asked again. */
export class ModelChoice {
  private index = 0;
  private unreadable = 0;

  constructor(
    private readonly models: Models,
    private readonly onChange: (change: ModelChange) => void,
  ) {}

  get current(): Model {
    return this.models[this.index] ?? this.models[0];
  }

  /**
   * Asks the model in use; where it cannot be had, the next.
   *
   * @throws what the last model's client threw
   */
  async chat(
    request: (model: Model) => ChatRequest,
    options: ChatOptions & { readonly signal: AbortSignal },
  ): Promise<ChatAnswer & { readonly format: AnswerFormat }> {
    for (;;) {
      try {
        const { client, format } = this.current;
        return { ...(await client.chat(request(this.current), options)), format };
      } catch (error) {
        const why = whyPassedOn(error);
        if (options.signal.aborted || !why || !this.moveOn(why)) throw error;
      }
    }
  }

  /** Told after every answer whether it could be read. */
  noteForm(readable: boolean): void {
    this.unreadable = readable ? 0 : this.unreadable + 1;
    if (this.unreadable >= unreadableLimit) this.moveOn('change_unparsable');
  }

  private moveOn(why: string): boolean {
    const next = this.models[this.index + 1];
    if (!next) return false;
    this.onChange({ from: this.current.client.model, to: next.client.model, why });
    this.index += 1;
    this.unreadable = 0;
    return true;
  }
}

function whyPassedOn(error: unknown): string | undefined {
  if (!(error instanceof RunnerError)) return undefined;
  const { code, reason } = error;
  if (passedOn.has(code)) return code;
  return code === 'llm_bad_request' && reason !== undefined && unfit.has(reason) ? reason : undefined;
}
