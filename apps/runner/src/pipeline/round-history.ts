import { createHash } from 'node:crypto';
import type { Answer, Change, ErrorCode } from '@necrocode/contracts';
import type { ChangedTree } from '@necrocode/workspace';
import type { CommandReport } from './stages/run-commands.js';

/** How an earlier round with an answer ended. */
export interface PastAnswer {
  readonly round: number;
  readonly code: ErrorCode;
  /** The tree that the answer led to, where it was applied. */
  readonly after?: ChangedTree | undefined;
}

/** Commands that have shown that a tree is not good. */
export interface Failure {
  readonly round: number;
  readonly code: Extract<ErrorCode, 'tests_failed' | 'setup_failed'>;
  readonly why: string;
  readonly failing: readonly CommandReport[];
  readonly tree: ChangedTree;
}

/** What the rounds of an attempt have tried already, so that nothing is tried twice unnoticed. */
export class RoundHistory {
  private readonly answers = new Map<string, PastAnswer>();
  private readonly failures: Failure[] = [];
  private readonly changes = new Map<string, number>();

  /** The first round with this answer, and the last tree that it led to. */
  pastAnswer(key: string): PastAnswer | undefined {
    return this.answers.get(key);
  }

  noteAnswer(key: string, { round, code, after }: PastAnswer): void {
    const first = this.answers.get(key);
    this.answers.set(key, { round: first?.round ?? round, code, after: after ?? first?.after });
  }

  /** The failure of a tree with the same files. */
  failureOf(tree: ChangedTree): Failure | undefined {
    return this.failures.find((failure) => failure.tree.hasSameFilesAs(tree));
  }

  noteFailure(failure: Failure): void {
    this.failures.push(failure);
  }

  /** The last round whose answer changed a file. */
  changedIn(path: string): number | undefined {
    return this.changes.get(path);
  }

  noteChange(before: ChangedTree, after: ChangedTree, round: number): void {
    for (const path of new Set([...before.overlay.keys(), ...after.overlay.keys()])) {
      if (before.overlay.get(path) !== after.overlay.get(path)) this.changes.set(path, round);
    }
  }
}

/** The same for answers that say the same: change by change where they could be read, else word by word. */
export function answerKey(answer: Answer | string): string {
  const said =
    typeof answer === 'string'
      ? ['text', answer.trim()]
      : ['changes', answer.code_changes.map(sortedFields), answer.needs_files ?? []];
  return createHash('sha256').update(JSON.stringify(said)).digest('hex');
}

function sortedFields(change: Change): [string, unknown][] {
  return Object.entries(change).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Whether all that the changes touch is still as a tree has it. */
export function isInPlace(changes: readonly Change[], after: ChangedTree, current: ChangedTree): boolean {
  const paths = changes.flatMap((change) =>
    change.operation === 'rename' ? [change.file_path, change.new_path] : [change.file_path],
  );
  return paths.every(
    (path) => current.contentId(path) === after.contentId(path) && current.mode(path) === after.mode(path),
  );
}
