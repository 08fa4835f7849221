import { estimateTokens } from '@necrocode/llm';
import { whyPathHidden, type Hiding } from './choose-files.js';
import type { IgnoredFiles } from './ignored-files.js';

/** Why a file is not shown, in a word. */
export type LeftOutReason = Hiding['reason'] | 'missing' | 'too large' | 'over the budget';

interface Entry {
  readonly reason: LeftOutReason;
  readonly line: string;
}

/** For the whole list. */
export const leftOutTokens = 800;
/** Of these, for the counts at its end. */
const countTokens = 60;
const mostLines = 20;
const longestPath = 120;

/** The files that a reader would expect to see and does not: the first ones by name, the others counted. */
export class LeftOut {
  private readonly entries = new Map<string, Entry>();

  /**
   * @param says what is said of the file, without its path
   * @param matter why the file would have been shown; the first reason of a file counts
   */
  note(path: string, reason: LeftOutReason, says: string, matter?: string): void {
    if (this.entries.has(path)) return;
    const name = path.length > longestPath ? `…${path.slice(-longestPath)}` : path;
    this.entries.set(path, { reason, line: `- ${name}${matter ? ` (${matter})` : ''} ${says}` });
  }

  /** Notes a file that may not be shown because of its path, and says whether it is one. */
  noteHidden(path: string, ignores: IgnoredFiles, matter?: string): boolean {
    const hiding = whyPathHidden(path, ignores);
    if (hiding) this.note(path, hiding.reason, `is not shown: ${hiding.why}`, matter);
    return hiding !== undefined;
  }

  /** One line each, then one for all others; within `leftOutTokens`. */
  lines(): string[] {
    const entries = [...this.entries.values()];
    const lines: string[] = [];
    let left = leftOutTokens - countTokens;
    for (const { line } of entries.slice(0, mostLines)) {
      left -= estimateTokens(line) + 1;
      if (left < 0) break;
      lines.push(line);
    }
    const others = Map.groupBy(entries.slice(lines.length), ({ reason }) => reason);
    if (others.size === 0) return lines;
    const counts = [...others].map(([reason, { length }]) => `${length} ${reason}`);
    return [...lines, `- and ${entries.length - lines.length} more files: ${counts.join(', ')}`];
  }
}
