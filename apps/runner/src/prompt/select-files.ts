import type { Task } from '@necrocode/contracts';
import { estimateTokens } from '@necrocode/llm';
import { isGenerated, isSecretLooking, isShowable, rankFiles } from './choose-files.js';
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
const mostCutLines = 20;

/**
 * The files whose contents a prompt shows, most relevant first: those that the task names, those that
 * these import, then those whose names match the task. Each is whole or not there.
 *
 * @param maxTokens estimated tokens for all of them
 */
export async function selectFiles(
  task: Task,
  view: RepositoryView,
  maxTokens: number,
): Promise<SelectedFiles> {
  const room = new Room(view, maxTokens);
  const { named, matching } = rankFiles(task, view.paths);
  const first = await room.show(named, 'named by the task');
  const files = new Set(view.paths);
  const imported = first
    .flatMap(({ path, text }) => importedFiles(path, text, files))
    .filter((path) => !named.includes(path) && !isSecretLooking(path) && !isGenerated(path));
  const second = await room.show([...new Set(imported)], 'imported by a file above');
  const third = await room.show(
    matching.filter((path) => !imported.includes(path)),
    undefined,
  );
  return { shown: [...first, ...second, ...third], cut: [...unshowable(task, view), ...room.cut()] };
}

/** Named files that cannot be shown whatever the budget. */
function unshowable(task: Task, view: RepositoryView): string[] {
  return (task.related_files ?? []).flatMap((path) => {
    if (view.sizeOf(path) === undefined) return [`- ${path} does not exist at the base commit`];
    return isSecretLooking(path)
      ? [`- ${path} is not shown, since its name is one of those that hold secrets`]
      : [];
  });
}

class Room {
  private readonly left: string[] = [];
  private unnamed = 0;

  constructor(
    private readonly view: RepositoryView,
    private tokens: number,
  ) {}

  /** Those of the paths that fit and are text; `why` they matter, undefined when they only might. */
  async show(paths: readonly string[], why: string | undefined): Promise<ShownFile[]> {
    const wanted = paths.filter((path) => this.takes(path, why));
    const contents = await this.view.read(wanted);
    return wanted.flatMap((path) => {
      const bytes = contents.get(path);
      if (bytes && isShowable(bytes)) return [{ path, text: new TextDecoder().decode(bytes) }];
      this.tokens += this.costOf(path);
      if (why) this.left.push(`- ${path} (${why}) is not shown: it is binary or holds a private key`);
      return [];
    });
  }

  cut(): string[] {
    const lines = this.left.slice(0, mostCutLines);
    if (this.left.length > lines.length) lines.push(`- and ${this.left.length - lines.length} more`);
    if (this.unnamed > 0) {
      lines.push(`- ${this.unnamed} more files whose names match the task are not shown: no room`);
    }
    return lines;
  }

  private takes(path: string, why: string | undefined): boolean {
    const size = this.view.sizeOf(path);
    if (size === undefined) return false;
    const cost = this.costOf(path);
    if (size <= largestFileBytes && cost <= this.tokens) {
      this.tokens -= cost;
      return true;
    }
    if (why) this.left.push(`- ${path} (${why}) is too large to be shown (${size} bytes)`);
    else this.unnamed += 1;
    return false;
  }

  private costOf(path: string): number {
    return Math.ceil((this.view.sizeOf(path) ?? 0) / 4) + estimateTokens(path) + frameTokens;
  }
}
