import type { TaskPreview } from '@necrocode/contracts';
import { harmless, paint, type Terminal } from './terminal.js';
import { showCost, showCount } from './units.js';

/** What a model would be asked, for people: the figures first, then the parts as they would be sent. */
export function renderPreview(preview: TaskPreview, terminal: Pick<Terminal, 'interactive'>): string {
  const facts = factsOf(preview).flatMap(([name, values]) =>
    values.map((value, index) => `  ${(index === 0 ? name : '').padEnd(10)}  ${harmless(value)}`),
  );
  const parts = preview.prompt.map(({ role, content, tokens }) =>
    [
      '',
      paint(terminal, 'bold', `── ${role} · about ${showCount(tokens)} tokens ──`),
      harmless(content.trimEnd()),
    ].join('\n'),
  );
  return [...facts, ...parts].join('\n');
}

function factsOf(preview: TaskPreview): [string, string[]][] {
  const { base_branch, base_commit, model, fallbacks, answer_format, files, left_out, notes } = preview;
  const inTurn = fallbacks.length > 0 ? `, then ${fallbacks.join(', ')}` : '';
  return [
    ['base', [`${base_branch} at ${base_commit.slice(0, 12)}`]],
    ['model', [`${model}${inTurn}; answers as ${answer_format}`]],
    ['budget', [budgetOf(preview)]],
    ['prompt', [tokensOf(preview)]],
    ['files', files.length > 0 ? files : ['(none shown)']],
    ['left out', left_out],
    ['note', notes],
  ];
}

function budgetOf({ budget }: TaskPreview): string {
  const cost = budget.max_cost_usd === null ? 'no limit of cost' : showCost(budget.max_cost_usd);
  return `${budget.max_rounds} rounds, ${showCount(budget.max_tokens)} tokens, ${cost}`;
}

function tokensOf({ prompt, tokens, tokens_limit }: TaskPreview): string {
  const parts = prompt.map((part) => `${part.role} ${showCount(part.tokens)}`).join(' + ');
  return `about ${showCount(tokens)} of ${showCount(tokens_limit)} tokens: ${parts}`;
}
