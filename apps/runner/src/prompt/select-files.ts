import type { Task } from '@necrocode/contracts';
import { estimateTokens } from '@necrocode/llm';
import { isGenerated, isSecretLooking, rankFiles, whyHidden } from './choose-files.js';
import type { IgnoredFiles } from './ignored-files.js';
import { LeftOut } from './left-out.js';
import type { RepositoryView } from './repository-view.js';
import { importedFiles } from './scan-imports.js';

export interface ShownFile {
  readonly path: string;
  readonly text: string;
}

export interface SelectedFiles {
  readonly shown: readonly ShownFile[];
  /** What a reader would expect to see and does not, and why: one line each. */
  readonly cut: readonly string[];
}

/** A file larger than this is not worth the room of ten others. */
const largestFileBytes = 200_000;
/** The fence and the path around a file. */
const frameTokens = 20;

/**
 * The files whose contents a prompt shows, most relevant first: those that the task names, those that
 * these import, then those whose names match the task. Each is whole or not there. Files that hold secrets,
 * by their names or by what is in them, and files that .gitignore names stay out, whoever names them.
 *
 * @param maxTokens estimated tokens for all of them
 */
export async function selectFiles(
  task: Task,
  view: RepositoryView,
  ignores: IgnoredFiles,
  maxTokens: number,
): Promise<SelectedFiles> {
  const leftOut = new LeftOut();
  const room = new Room(view, ignores, leftOut, maxTokens);
  const { named, matching, ignored } = rankFiles(task, view.paths, ignores);
  for (const path of task.related_files ?? []) {
    if (view.sizeOf(path) === undefined) leftOut.note(path, 'missing', 'does not exist at the base commit');
  }
  const first = await room.show(named, 'named by the task');
  const files = new Set(view.paths);
  const imported = first
    .flatMap(({ path, text }) => importedFiles(path, text, files))
    .filter((path) => !named.includes(path) && !isGenerated(path));
  const second = await room.show([...new Set(imported)], 'imported by a file above');
  const third = await room.show(
    matching.filter((path) => !imported.includes(path)),
    undefined,
  );
  for (const path of [...view.paths.filter(isSecretLooking), ...ignored]) leftOut.noteHidden(path, ignores);
  return { shown: [...first, ...second, ...third], cut: leftOut.lines() };
}

class Room {
  constructor(
    private readonly view: RepositoryView,
    private readonly ignores: IgnoredFiles,
    private readonly leftOut: LeftOut,
    private tokens: number,
  ) {}

  /** Those of the paths that fit and are text; `why` they matter, undefined when they only might. */
  async show(paths: readonly string[], why: string | undefined): Promise<ShownFile[]> {
    const wanted = paths.filter((path) => this.takes(path, why));
    const contents = await this.view.read(wanted);
    return wanted.flatMap((path) => {
      const bytes = contents.get(path) ?? new Uint8Array();
      const hiding = whyHidden(bytes);
      if (!hiding) return [{ path, text: new TextDecoder().decode(bytes) }];
      this.tokens += this.costOf(path);
      this.leftOut.note(path, hiding.reason, `is not shown: ${hiding.why}`, why);
      return [];
    });
  }

  private takes(path: string, why: string | undefined): boolean {
    const size = this.view.sizeOf(path);
    if (size === undefined || this.leftOut.noteHidden(path, this.ignores, why)) return false;
    const cost = this.costOf(path);
    if (size > largestFileBytes)
      this.leftOut.note(path, 'too large', `is too large to be shown (${size} bytes)`, why);
    else if (cost > this.tokens)
      this.leftOut.note(path, 'over the budget', `is not shown: no room for its ${size} bytes`, why);
    else {
      this.tokens -= cost;
      return true;
    }
    return false;
  }

  private costOf(path: string): number {
    return Math.ceil((this.view.sizeOf(path) ?? 0) / 4) + estimateTokens(path) + frameTokens;
  }
}
