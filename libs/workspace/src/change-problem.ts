import type { Change } from '@necrocode/contracts';

export type ProblemReason =
  | 'bad_path'
  | 'bad_content'
  | 'missing'
  | 'exists'
  | 'not_a_file'
  | 'same_path'
  | 'no_match'
  /** A mark such as `// ... rest unchanged` stands in place of text. */
  | 'elided'
  /** The change would undo what earlier rounds did to the file, in a version that was not shown since. */
  | 'stale'
  /** Content or name hold a secret of the runner. */
  | 'secret'
  /** What looks like a token is new. */
  | 'token'
  /** The mark that hides a secret would overwrite it. */
  | 'masked'
  | 'conflict'
  /** Some file system cannot tell the path from another one of the tree. */
  | 'collision'
  | 'too_large'
  /** The policy of the configuration keeps the file out of changes. */
  | 'sensitive'
  /** A command has left a link or a special file where the change would be written. */
  | 'obstructed';

/** Why a change was refused, for the model: `message` says what is wrong and how to say it right. */
export interface ChangeProblem {
  readonly file_path: string;
  readonly operation: Change['operation'];
  /** Position of the change in the answer, from 0. */
  readonly index: number;
  readonly reason: ProblemReason;
  readonly message: string;
}

export interface Reproach {
  readonly reason: ProblemReason;
  readonly message: string;
}

/** A change with its position in the answer. */
export interface PlacedChange {
  readonly index: number;
  readonly change: Change;
}

export function problemOf({ index, change }: PlacedChange, { reason, message }: Reproach): ChangeProblem {
  return { file_path: change.file_path, operation: change.operation, index, reason, message };
}

/** Problems as the list that goes back to the model. */
export function formatChangeProblems(problems: readonly ChangeProblem[]): string {
  return problems
    .map((p) => `- change ${p.index + 1} (${p.operation} ${JSON.stringify(p.file_path)}): ${p.message}`)
    .join('\n');
}
