import { estimateTokens } from '@necrocode/llm';
import { applyAnswer, BaseTree, buildCommit, ChangedTree, type Git } from '@necrocode/workspace';
import { readAnswer } from '../prompt/read-answer.js';
import type { EvalCase } from './corpus.js';

/** `wrong_place`: something was applied, and the tree is not the expected one. */
export type Verdict = 'exact' | 'recovered' | 'refused' | 'wrong_place';

export interface CaseReport {
  readonly name: string;
  readonly kind: string;
  readonly format: string;
  readonly verdict: Verdict;
  /** Whether the verdict is the right one: a case without an expected tree has to be refused. */
  readonly right: boolean;
  /** The deepest layer at which an edit was placed; null when nothing was applied. */
  readonly layer: string | null;
  readonly rounds: number;
  readonly tokens: number;
  readonly reason: string | null;
}

const layers = ['exact', 'line_endings', 'trailing_space', 'indentation', 'similarity'];

/** Plays the answers of a case, as the rounds of a task would, and judges the tree that comes out. */
export async function runCase(test: EvalCase, git: Git): Promise<CaseReport> {
  const base = ChangedTree.of(await BaseTree.load(git, test.base));
  let reason: string | null = null;
  let tokens = 0;
  for (const [index, answer] of test.answers.entries()) {
    const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
    tokens += estimateTokens(text);
    const played = await playAnswer(text, test, base);
    if (played.kind === 'applied') {
      const tree = await treeOf(git, test.base, played.tree, test.name);
      return {
        ...about(test),
        ...judge(tree, test, played.layer),
        layer: played.layer,
        rounds: index + 1,
        tokens,
        reason,
      };
    }
    reason = played.reason;
  }
  const right = test.expected_tree === null;
  return {
    ...about(test),
    verdict: 'refused',
    right,
    layer: null,
    rounds: test.answers.length,
    tokens,
    reason,
  };
}

type Played =
  | { readonly kind: 'applied'; readonly tree: ChangedTree; readonly layer: string }
  | { readonly kind: 'refused'; readonly reason: string };

async function playAnswer(text: string, test: EvalCase, base: ChangedTree): Promise<Played> {
  const read = readAnswer(text, 'stop', { format: test.format });
  if (read.kind === 'unreadable') return { kind: 'refused', reason: read.message };
  const outcome = await applyAnswer(base, read.answer.code_changes);
  switch (outcome.kind) {
    case 'applied':
      return {
        kind: 'applied',
        tree: outcome.tree,
        layer: deepest(outcome.layers.map(({ layer }) => layer)),
      };
    case 'no_effect':
      return { kind: 'refused', reason: 'no effect' };
    case 'refused':
      return { kind: 'refused', reason: outcome.problems.map(({ message }) => message).join(' ') };
  }
}

function judge(tree: string, test: EvalCase, layer: string): { verdict: Verdict; right: boolean } {
  if (tree !== test.expected_tree) return { verdict: 'wrong_place', right: false };
  return { verdict: layer === 'exact' ? 'exact' : 'recovered', right: true };
}

function deepest(used: readonly string[]): string {
  return layers[Math.max(0, ...used.map((layer) => layers.indexOf(layer)))] ?? 'exact';
}

async function treeOf(git: Git, base: string, { overlay }: ChangedTree, name: string): Promise<string> {
  const author = { name: 'eval', email: 'eval' };
  const request = {
    base,
    branch: `eval/${encodeURIComponent(name)}`,
    overlay,
    message: name,
    author,
    date: new Date(0),
  };
  return (await buildCommit(git, request)).tree;
}

function about({ name, kind, format }: EvalCase): Pick<CaseReport, 'name' | 'kind' | 'format'> {
  return { name, kind, format };
}
