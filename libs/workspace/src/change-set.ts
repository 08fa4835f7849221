import type { Change } from '@necrocode/contracts';
import { checkPlaces, isRestatedRename, planAnswer, targetOf, type AnswerPlan } from './answer-plan.js';
import type { ContentReader, EntryMode } from './base-tree.js';
import { applyEdits, checkChange, checkElision, givenBytes, mayBeElided } from './change-content.js';
import { problemOf, type ChangeProblem, type PlacedChange } from './change-problem.js';
import type { ChangedTree, History, OverlayEntry } from './changed-tree.js';
import { checkWhole } from './check-whole.js';
import type { MatchLayer } from './match/match-layer.js';
import { isSure, restateEdits, untouchedContents } from './restate-edits.js';
import { describeFaults, type UnfitEdit } from './unfit-edits.js';

/** What an answer did to the tree, by path; `bytesWritten` counts the contents of what it filled. */
export interface ChangeSummary {
  readonly created: readonly string[];
  readonly modified: readonly string[];
  readonly deleted: readonly string[];
  readonly renamed: readonly { readonly from: string; readonly to: string }[];
  readonly bytesWritten: number;
}

/** How literally one edit was found; `edit` is its position among the edits of its file, from 0. */
export interface EditLayer {
  readonly file_path: string;
  readonly edit: number;
  readonly layer: MatchLayer;
}

export type ApplyOutcome =
  | {
      readonly kind: 'applied';
      readonly tree: ChangedTree;
      readonly summary: ChangeSummary;
      readonly layers: readonly EditLayer[];
    }
  | { readonly kind: 'refused'; readonly problems: readonly ChangeProblem[] }
  /** Everything fits, and the files are the same as before. */
  | { readonly kind: 'no_effect' };

/**
 * Applies the changes of one answer, all or none, to the tree as it was shown; they are judged by the
 * tree they end in. Nothing is written: the result is another tree in memory. What an earlier round
 * of the task did may be said again.
 *
 * @param reader contents of the base commit
 */
export async function applyAnswer(
  view: ChangedTree,
  changes: readonly Change[],
  reader: ContentReader = view.base,
): Promise<ApplyOutcome> {
  const plan = planAnswer(view, changes);
  const problems: ChangeProblem[] = [];
  const sound = plan.changes.filter((placed) => {
    const reproach = checkChange(placed.change) ?? checkPlaces(view, plan, placed);
    if (reproach) problems.push(problemOf(placed, reproach));
    return !reproach;
  });

  const written = new Map<string, OverlayEntry>();
  const layers: EditLayer[] = [];
  const paths = sound.flatMap(({ change }) => sourceToRead(view, change));
  const sources: Sources = {
    current: await view.read(paths, reader),
    untouched: await untouchedContents(view, paths, reader),
  };
  for (const [path, writers] of Map.groupBy(sound.filter(fills), ({ change }) => targetOf(change))) {
    const entry = contentOf(view, writers, sources);
    if ('unfit' in entry) {
      problems.push(...entry.unfit.map(({ placed, reproach }) => problemOf(placed, reproach)));
      continue;
    }
    written.set(path, entry.entry);
    layers.push(...entry.layers.map((layer, edit) => ({ file_path: path, edit, layer })));
  }
  if (problems.length > 0) return refused(problems);

  const removed = [...plan.removed.keys()].map((path) => [path, { kind: 'deleted' }] as const);
  const tree = view.with(
    new Map<string, OverlayEntry>([...removed, ...written]),
    historyAfter(view.history, plan),
  );
  const conflicts = plan.changes.filter(fills).flatMap((placed) => conflictOf(tree, placed));
  const whole = [...conflicts, ...checkWhole(tree, plan)];
  if (whole.length > 0) return refused(whole);
  if (tree.hasSameFilesAs(view)) return { kind: 'no_effect' };
  return { kind: 'applied', tree, summary: summarise(view, tree, plan), layers };
}

function refused(problems: readonly ChangeProblem[]): ApplyOutcome {
  return { kind: 'refused', problems: [...problems].sort((a, b) => a.index - b.index) };
}

function fills({ change }: PlacedChange): boolean {
  return change.operation !== 'delete';
}

/** Where the content that a change starts from stands in the tree as it was shown. */
function sourceOf(view: ChangedTree, change: Change): string {
  return isRestatedRename(view, change) ? targetOf(change) : change.file_path;
}

function sourceToRead(view: ChangedTree, change: Change): string[] {
  const needed =
    change.operation === 'rename' ||
    (change.operation === 'modify' && (change.edits !== undefined || mayBeElided(change)));
  return needed ? [sourceOf(view, change)] : [];
}

/** What changes start from, by path: as it is, and as it was before the rounds that touched it. */
interface Sources {
  readonly current: ReadonlyMap<string, Buffer>;
  readonly untouched: ReadonlyMap<string, Buffer>;
}

interface Unfit {
  readonly unfit: readonly UnfitEdit[];
}

interface Filled {
  readonly entry: OverlayEntry;
  /** By edit; empty where there are none. */
  readonly layers: readonly MatchLayer[];
}

/** What a path holds afterwards. Several writers are modifications by edits, which follow one another. */
function contentOf(view: ChangedTree, writers: readonly PlacedChange[], sources: Sources): Filled | Unfit {
  const [placed] = writers as [PlacedChange];
  const { change } = placed;
  if (change.operation === 'delete') return { entry: { kind: 'deleted' }, layers: [] };
  const source = sourceOf(view, change);
  const before = change.operation === 'create' ? '100644' : view.mode(source);
  if (before === '160000') return { entry: gitlinkAt(view, source), layers: [] };
  const mode = writers.reduce((current, w) => modeAfter(current, w.change), before ?? '100644');
  const filled = (bytes: Buffer, layers: readonly MatchLayer[] = []): Filled => ({
    entry: { kind: 'blob', mode, bytes },
    layers,
  });

  const current = sources.current.get(source) ?? Buffer.alloc(0);
  const given = givenBytes(change);
  if (given) {
    const reproach = checkElision(change, current);
    return reproach ? { unfit: [{ placed, reproach }] } : filled(given);
  }
  const placedEdits = writers.flatMap((w) => editsOf(w.change).map((edit) => ({ placed: w, edit })));
  const edits = placedEdits.map(({ edit }) => edit);
  if (edits.length === 0) return filled(current);
  const edited = applyEdits(current, edits, source);
  const restated = restateEdits(source, sources.untouched.get(source), current, edits);
  const isSaidAgain = restated?.kind === 'restated' && (!isSure(edited) || restated.bytes.equals(current));
  if (isSaidAgain) return filled(restated.bytes, restated.layers);
  if (edited.kind === 'edited') return filled(edited.bytes, edited.layers);
  const owners = placedEdits.map((e) => e.placed);
  if (restated?.kind !== 'undoes') return { unfit: describeFaults(owners, edited.faults, edited.unseen) };
  const [first] = edited.faults;
  const fault = { edit: first?.edit ?? 0, reproach: restated.reproach };
  return { unfit: describeFaults(owners, [fault], undefined) };
}

function editsOf(change: Change) {
  return change.operation === 'modify' || change.operation === 'rename' ? (change.edits ?? []) : [];
}

function gitlinkAt(view: ChangedTree, path: string): OverlayEntry {
  const changed = view.overlay.get(path);
  if (changed?.kind === 'gitlink') return changed;
  return { kind: 'gitlink', mode: '160000', id: view.base.entry(path)?.id ?? '' };
}

function modeAfter(mode: Exclude<EntryMode, '160000'>, change: Change): Exclude<EntryMode, '160000'> {
  if (change.operation === 'delete' || change.executable === undefined) return mode;
  return change.executable ? '100755' : '100644';
}

function historyAfter({ touched, renames, origins }: History, plan: AnswerPlan): History {
  const made = plan.changes.flatMap(({ change: c }) =>
    c.operation === 'rename' ? [[c.new_path, c.file_path] as const] : [],
  );
  const created = plan.changes.flatMap(({ change: c }) => (c.operation === 'create' ? [c.file_path] : []));
  const nextOrigins = new Map([...origins].filter(([path]) => !created.includes(path)));
  for (const [to, from] of made) {
    if (renames.get(to) !== from) nextOrigins.set(to, origins.get(from) ?? from);
  }
  return {
    touched: new Set([...touched, ...plan.removed.keys(), ...plan.written.keys()]),
    renames: new Map([...renames, ...made]),
    origins: nextOrigins,
  };
}

/** A file cannot stand where files stand below, nor below a file. */
function conflictOf(tree: ChangedTree, placed: PlacedChange): ChangeProblem[] {
  const path = targetOf(placed.change);
  if (tree.isDirectory(path)) {
    const message = `${JSON.stringify(path)} is a directory; delete or rename what is in it, or choose another name`;
    return [problemOf(placed, { reason: 'conflict', message })];
  }
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const parent = path.slice(0, slash);
    if (!tree.has(parent)) continue;
    const message = `${JSON.stringify(parent)} is a file, so nothing can be below it; delete or rename it in the same answer`;
    return [problemOf(placed, { reason: 'conflict', message })];
  }
  return [];
}

function summarise(view: ChangedTree, tree: ChangedTree, plan: AnswerPlan): ChangeSummary {
  const renamed = plan.changes.flatMap(({ change: c }) =>
    c.operation === 'rename' && !isRestatedRename(view, c) ? [{ from: c.file_path, to: c.new_path }] : [],
  );
  const targets = new Set(renamed.map(({ to }) => to));
  const sources = new Set(renamed.map(({ from }) => from));
  const written = [...plan.written.keys()];
  const contents = written.map((path) => tree.overlay.get(path));
  return {
    created: written.filter((path) => !targets.has(path) && !view.has(path)),
    modified: written.filter((path) => !targets.has(path) && view.has(path)),
    deleted: [...plan.removed.keys()].filter(
      (path) => !sources.has(path) && view.has(path) && !tree.has(path),
    ),
    renamed,
    bytesWritten: contents.reduce((sum, entry) => sum + (entry?.kind === 'blob' ? entry.bytes.length : 0), 0),
  };
}
