import { RunnerError, type Task } from '@necrocode/contracts';
import type { AttemptRecord } from './attempt-record.js';

/** What a run may use, over all of its attempts; undefined is not limited. */
export interface BudgetLimits {
  readonly max_rounds: number;
  readonly max_tokens: number;
  readonly max_cost_usd?: number | undefined;
  readonly max_llm_calls?: number | undefined;
  readonly max_seconds?: number | undefined;
}

/** What a run may spend on its rounds. Looked at before the model is asked; what is paid for is used. */
export class Budget {
  readonly limits: BudgetLimits;

  /** What the task says counts before the defaults of the runner. */
  constructor(task: Pick<Task, 'budget'>, defaults: BudgetLimits) {
    const { budget } = task;
    this.limits = {
      max_rounds: budget?.max_rounds ?? defaults.max_rounds,
      max_tokens: budget?.max_tokens ?? defaults.max_tokens,
      max_cost_usd: budget?.max_cost_usd ?? defaults.max_cost_usd,
      max_llm_calls: budget?.max_llm_calls ?? defaults.max_llm_calls,
      max_seconds: budget?.max_seconds ?? defaults.max_seconds,
    };
  }

  get maxRounds(): number {
    return this.limits.max_rounds;
  }

  /** @throws RunnerError budget_exceeded, naming the budget, its limit and what was used */
  check(record: AttemptRecord): void {
    const { max_llm_calls, max_tokens, max_cost_usd, max_seconds } = this.limits;
    const { input_tokens, output_tokens, cost_usd, llm_calls, model } = record.usage;
    spend('max_llm_calls', llm_calls - record.unanswered, max_llm_calls, 'calls of the model are used');
    spend('max_tokens', input_tokens + output_tokens, max_tokens, 'tokens are used');
    if (cost_usd !== null) spend('max_cost_usd', cost_usd, max_cost_usd, 'USD are spent');
    else if (max_cost_usd !== undefined && llm_calls > 0)
      record.warn(`max_cost_usd is not enforced: the price of ${model ?? 'the model'} is not known`);
    spend('max_seconds', record.roundsSeconds, max_seconds, 's have passed in the rounds');
  }
}

function spend(name: keyof BudgetLimits, used: number, limit: number | undefined, what: string): void {
  if (limit === undefined || used < limit) return;
  const shown = Number.isInteger(used) ? used : Number(used.toPrecision(4));
  throw new RunnerError('budget_exceeded', `${name}: ${shown} of ${limit} ${what}`);
}
