import type { Change } from '@necrocode/contracts';
import type { ChangedTree, ChangeProblem } from '@necrocode/workspace';
import { isShowable, whyPathHidden } from '../prompt/choose-files.js';
import type { Contents, Dialogue } from '../prompt/dialogue.js';
import { excerptOf } from '../prompt/excerpt.js';
import type { IgnoredFiles } from '../prompt/ignored-files.js';
import type { ShownFile } from '../prompt/select-files.js';
import type { RoundHistory } from './round-history.js';

/** What the model can see of the files, and what the rounds did to them since. */
export interface View {
  readonly current: ChangedTree;
  readonly dialogue: Dialogue;
  readonly ignores: IgnoredFiles;
  readonly past: RoundHistory;
}

/**
 * Changes that give a whole file and would undo, without having seen it, what earlier answers did to that
 * file. A file that only the repository has made may be replaced unseen; one's own work may not. Told once:
 * the refusal shows the file, and who then gives the same content means it.
 */
export function objectToUnseen(
  changes: readonly Change[],
  { current, dialogue, past }: View,
): ChangeProblem[] {
  return changes.flatMap((change, index) => {
    const { operation, file_path } = change;
    if (operation === 'delete' || change.content === undefined) return [];
    const given = Buffer.from(change.content);
    const paths = operation === 'rename' ? [file_path, change.new_path] : [file_path];
    const unseen = paths.find((path) => {
      const entry = current.overlay.get(path);
      if (entry?.kind !== 'blob' || entry.bytes.equals(given)) return false;
      return dialogue.lastShown(path) !== current.contentId(path);
    });
    if (unseen === undefined) return [];
    const round = past.changedIn(unseen);
    const message = `your answer of round ${round ?? '?'} changed this file, and you have not seen the result; the whole content that you give would undo that. See the file below: change it by edits, or give the whole content again, with what must stay`;
    return [{ file_path, operation, index, reason: 'stale', message }];
  });
}

export interface Revealed {
  readonly files: readonly (ShownFile & { readonly why: string })[];
  readonly contents: Contents;
}

/** The files that refused edits were not made for, as they are now: those that the model sees otherwise or not at all. */
export async function revealUnknown(
  problems: readonly ChangeProblem[],
  changes: readonly Change[],
  { current, dialogue, ignores, past }: View,
  maxTokens: number,
): Promise<Revealed> {
  const sought = new Map<string, string[]>();
  for (const { reason, index } of problems) {
    const change = changes[index];
    if (!change || (reason !== 'no_match' && reason !== 'stale')) continue;
    const path =
      change.operation === 'rename' && !current.has(change.file_path) ? change.new_path : change.file_path;
    if (dialogue.lastShown(path) === current.contentId(path) || whyPathHidden(path, ignores)) continue;
    sought.set(path, [...(sought.get(path) ?? []), ...searchesOf(change)]);
  }
  const contents = await current.read(sought.keys());
  const readable = [...contents].filter(([, bytes]) => isShowable(bytes));
  const files = readable.map(([path, bytes]) => ({
    path,
    why: whyUnknown(path, past.changedIn(path)),
    text: excerptOf(
      new TextDecoder().decode(bytes),
      sought.get(path) ?? [],
      Math.floor(maxTokens / readable.length),
    ),
  }));
  return {
    files,
    contents: contentsOf(
      current,
      files.map(({ path }) => path),
    ),
  };
}

/** The ids of what a tree holds at these paths. */
export function contentsOf(tree: ChangedTree, paths: Iterable<string>): Contents {
  return new Map([...paths].map((path) => [path, tree.contentId(path) ?? '']));
}

function searchesOf(change: Change): string[] {
  if (change.operation !== 'modify' && change.operation !== 'rename') return [];
  return (change.edits ?? []).flatMap(({ search, replace }) => [search, replace]);
}

function whyUnknown(path: string, round: number | undefined): string {
  const name = JSON.stringify(path);
  return round === undefined
    ? `You have not been shown ${name}.`
    : `${name} has changed since it was shown to you: your answer of round ${round} changed it.`;
}
