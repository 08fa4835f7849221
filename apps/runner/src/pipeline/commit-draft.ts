import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Task } from '@necrocode/contracts';
import { buildCommit, bundle, diffOf, type ChangedTree } from '@necrocode/workspace';
import type { Workspace } from './stages/prepare-workspace.js';

export interface Author {
  readonly name: string;
  readonly email: string;
}

/** A commit that nobody outside the slot knows of yet. */
export interface Draft {
  readonly commit: string;
  readonly tree: string;
  readonly bundle: Buffer;
  readonly diff: Buffer;
}

/**
 * Makes the commit of a change beside its tests, so that it is there when they pass; and when they do
 * not, its diff is. Works on after the end of the work's signal, since evidence is kept then as well.
 */
export class CommitDraft {
  private begun: { readonly change: ChangedTree; readonly draft: Promise<Draft> } | undefined;

  constructor(
    private readonly task: Task,
    private readonly run: number,
    private readonly author: Author,
    private readonly workspace: Workspace,
  ) {}

  /** Starts on the change; a failure is told to whoever takes it. */
  begin(change: ChangedTree): void {
    const before = this.begun?.draft.catch(() => undefined);
    const draft = Promise.resolve(before).then(() => this.make(change));
    draft.catch(() => undefined);
    this.begun = { change, draft };
  }

  /** The draft of the change, made now if it was not begun. */
  take(change: ChangedTree): Promise<Draft> {
    if (this.begun?.change !== change) this.begin(change);
    return (this.begun as { readonly draft: Promise<Draft> }).draft;
  }

  private async make(change: ChangedTree): Promise<Draft> {
    const { graceGit: git, base, branch } = this.workspace;
    const { commit, tree } = await buildCommit(git, {
      base,
      branch,
      overlay: change.overlay,
      message: commitMessage(this.task, this.run),
      author: this.author,
      date: new Date(),
    });
    const file = join(git.place.gitDir, 'draft.bundle');
    const [diff] = await Promise.all([diffOf(git, base, commit), bundle(git, { base, branch }, file)]);
    return { commit, tree, diff, bundle: await readFile(file) };
  }
}

/** `feat(task-{id}): {title}` and the trailers by which the commit is traced back to its task. */
export function commitMessage(task: Task, run: number): string {
  return `feat(task-${task.task_id}): ${task.title}\n\nTask-Key: ${task.spec_name}/${task.task_id}\nRun: ${run}\n`;
}
