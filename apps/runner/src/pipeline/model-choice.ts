import { RunnerError, type ErrorCode } from '@necrocode/contracts';
import type { ChatAnswer, ChatRequest, LlmClient } from '@necrocode/llm';

/** How a model is asked to write its changes. */
export type AnswerFormat = 'json' | 'blocks';

export interface Model {
  readonly client: LlmClient;
  readonly format: AnswerFormat;
}

/** Failures of a model for which another one may be asked. */
const passedOn: ReadonlySet<ErrorCode> = new Set([
  'llm_unavailable',
  'llm_timeout',
  'llm_rate_limited',
  'llm_bad_response',
]);

/** So many answers in a row that cannot be read, and the next model is asked. */
const unreadableLimit = 2;

/** The model in use, and those that take its place when it fails. A model that was left is not asked again. */
export class ModelChoice {
  private index = 0;
  private unreadable = 0;

  constructor(
    private readonly models: readonly [Model, ...Model[]],
    private readonly onChange: (from: string, to: string, why: string) => void,
  ) {}

  get current(): Model {
    return this.models[this.index] ?? this.models[0];
  }

  /**
   * Asks the model in use; where it cannot be had, the next.
   *
   * @throws what the last model's client threw
   */
  async chat(request: (model: Model) => ChatRequest, signal: AbortSignal): Promise<ChatAnswer> {
    for (;;) {
      try {
        return await this.current.client.chat(request(this.current), { signal });
      } catch (error) {
        const why = error instanceof RunnerError && passedOn.has(error.code) ? error.code : undefined;
        if (signal.aborted || !why || !this.moveOn(why)) throw error;
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
    this.onChange(this.current.client.model, next.client.model, why);
    this.index += 1;
    this.unreadable = 0;
    return true;
  }
}
