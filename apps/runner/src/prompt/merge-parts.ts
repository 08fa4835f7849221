import type { Answer, Change } from '@necrocode/contracts';
import { placeOf, unreadable, type Unreadable } from './answer-fault.js';

/** One of the answers that a text holds. */
export interface Part {
  readonly answer: Answer;
  /** Where it begins in the text. */
  readonly start: number;
  /** Whether it stands where a document can begin, not inside a sentence. */
  readonly begins: boolean;
}

const mostNamedPlaces = 10;

/**
 * The answers of a text as one, in their order. Only where that is what they must mean: a draft with its
 * correction, an example, two contents for one file are told back.
 */
export function mergeParts(parts: readonly Part[], text: string): Answer | Unreadable {
  const [first, second] = parts;
  if (first && !second) return first.answer;
  const conflict = conflictOf(parts);
  if (conflict) {
    const places = parts.slice(0, mostNamedPlaces).map(({ start }) => placeOf(text, start));
    const more = parts.length > places.length ? '; …' : '';
    return unreadable(
      'ambiguous',
      `Your answer holds ${parts.length} different answers (${places.join('; ')}${more}), and ${conflict}: it is not clear which one counts. Give one, with all changes in it.`,
    );
  }
  const needs = parts.flatMap(({ answer }) => answer.needs_files ?? []);
  const said = parts.flatMap(({ answer }) => (answer.explanation ? [answer.explanation] : []));
  return {
    code_changes: parts.flatMap(({ answer }) => answer.code_changes),
    ...(needs.length > 0 && { needs_files: [...new Set(needs)] }),
    ...(said.length > 0 && { explanation: said.join('\n\n') }),
  };
}

function conflictOf(parts: readonly Part[]): string | undefined {
  if (parts.some(({ begins }) => !begins)) return 'one of them stands inside a sentence';
  const changing = parts.filter(({ answer }) => answer.code_changes.length > 0);
  const onlyAsks = parts.some(({ answer }) => answer.code_changes.length === 0 && answer.needs_files?.length);
  if (changing.length > 0 && onlyAsks) return 'one of them only asks for files';
  const sets = new Set<string>();
  const edited = new Map<string, EditedFile>();
  for (const { answer } of changing) {
    const { code_changes: changes } = answer;
    const paths = [...new Set(changes.flatMap(pathsOf))].sort();
    const key = JSON.stringify(paths);
    if (sets.has(key)) return `two of them change the same files (${named(paths)})`;
    sets.add(key);
    const path = clashOf(changes, edited);
    if (path !== undefined) return `two of them change the same text of ${JSON.stringify(path)}`;
  }
  return undefined;
}

function named(paths: readonly string[]): string {
  const more = paths.length > 3 ? `, and ${paths.length - 3} more` : '';
  return (
    paths
      .slice(0, 3)
      .map((path) => JSON.stringify(path))
      .join(', ') + more
  );
}

function pathsOf(change: Change): string[] {
  return change.operation === 'rename' ? [change.file_path, change.new_path] : [change.file_path];
}

/** What earlier parts do to a file: the lines that their edits search for, or `whole`: something else. */
interface EditedFile {
  whole: boolean;
  readonly lines: Set<string>;
}

/** The path of the first change that does not simply come on top of what the parts before do to its files. */
function clashOf(changes: readonly Change[], edited: Map<string, EditedFile>): string | undefined {
  const touched = changes.flatMap((change) => {
    const lines = change.operation === 'modify' && change.edits ? linesOf(change.edits) : undefined;
    return pathsOf(change).map((path) => ({ path, lines }));
  });
  const clash = touched.find(({ path, lines }) => {
    const before = edited.get(path);
    return before && (!lines || before.whole || lines.some((line) => before.lines.has(line)));
  });
  if (clash) return clash.path;
  for (const { path, lines } of touched) {
    const file = edited.get(path) ?? { whole: false, lines: new Set() };
    if (lines) for (const line of lines) file.lines.add(line);
    else file.whole = true;
    edited.set(path, file);
  }
  return undefined;
}

/** Lines that say something; a brace is in many places. */
function linesOf(edits: readonly { readonly search: string }[]): string[] {
  return edits.flatMap(({ search }) =>
    search
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => /[\p{L}\p{N}]/u.test(line)),
  );
}
