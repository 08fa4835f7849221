import { RunnerError, type Task } from '@necrocode/contracts';
import type { AttemptRecord } from './attempt-record.js';

export interface BudgetDefaults {
  readonly max_rounds: number;
  readonly max_tokens: number;
  readonly max_cost_usd?: number | undefined;
}

/** What a run may spend on the model. Looked at before a call; what is paid for is used. */
export class Budget {
  readonly maxRounds: number;
  private readonly maxTokens: number;
  private readonly maxCostUsd: number | undefined;

  constructor(task: Task, defaults: BudgetDefaults) {
    this.maxRounds = task.budget?.max_rounds ?? defaults.max_rounds;
    this.maxTokens = task.budget?.max_tokens ?? defaults.max_tokens;
    this.maxCostUsd = task.budget?.max_cost_usd ?? defaults.max_cost_usd;
  }

  /** @throws RunnerError budget_exceeded, naming the budget and what was used */
  check(record: AttemptRecord): void {
    const { input_tokens, output_tokens, cost_usd, llm_calls, model } = record.usage;
    const tokens = input_tokens + output_tokens;
    if (tokens >= this.maxTokens) {
      throw new RunnerError('budget_exceeded', `max_tokens: ${tokens} of ${this.maxTokens} tokens are used`);
    }
    if (this.maxCostUsd === undefined || llm_calls === 0) return;
    if (cost_usd === null)
      record.warn(`max_cost_usd is not enforced: the price of ${model ?? 'the model'} is not known`);
    else if (cost_usd >= this.maxCostUsd) {
      throw new RunnerError(
        'budget_exceeded',
        `max_cost_usd: ${cost_usd} of ${this.maxCostUsd} USD are spent`,
      );
    }
  }
}
