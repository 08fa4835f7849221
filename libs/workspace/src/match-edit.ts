import type { Edit } from '@necrocode/contracts';
import { carryOver, lineChange, type Replacement } from './match/carry-over.js';
import { absentMessage, ambiguousMessage, doubtMessage } from './match/describe-places.js';
import { editByLines, editLines, isSubstantive, type EditByLines } from './match/edit-lines.js';
import { dedentedLine } from './match/dedented-line.js';
import { EditedText } from './match/edited-text.js';
import { elisionInEdit, isElision, type Elision } from './match/elisions.js';
import type { FoundPlace } from './match/found-place.js';
import { matchBlocks } from './match/match-blocks.js';
import { withBreaks } from './match/line-breaks.js';
import type { MatchLayer } from './match/match-layer.js';
import { matchSimilar } from './match/match-similar.js';
import { similarWindows } from './match/similar-windows.js';

/** Where an edit's search text stands, in UTF-16 offsets, and what stands there afterwards. */
export interface Match {
  readonly kind: 'match';
  readonly layer: MatchLayer;
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

/** Why it cannot be applied, in words that let the model correct it. */
export interface NoMatch {
  readonly kind: 'absent' | 'ambiguous' | 'elided';
  readonly message: string;
}

/**
 * Finds the one place that an edit means: at the strictest layer at which its search text stands anywhere,
 * and only if it stands there once. At the exact layer the replacement is taken as it is; beyond it, the
 * lines that the edit changes are carried over, and what it only shows keeps the bytes of the file.
 *
 * @param path of the file; tells which language an ellipsis is in
 */
export function matchEdit(source: EditedText | string, edit: Edit, path = ''): Match | NoMatch {
  const text = typeof source === 'string' ? new EditedText(source) : source;
  const exact = text.occurrences(edit.search).filter((start) => !cutsThrough(text, edit, start));
  const match = exact.length > 0 ? exactMatch(text, edit, exact) : looseMatch(text, edit, path);
  return match.kind === 'match' ? (elisionIn(text, edit, match, path) ?? match) : match;
}

/**
 * Whether an occurrence starts or ends where no text of lines does: within a CRLF, unless the edit itself
 * keeps its CR, or, for a search that has line breaks, within a word.
 */
function cutsThrough(text: EditedText, { search, replace }: Edit, start: number): boolean {
  return [start, start + search.length].some((at) => {
    const around = text.around(at);
    if (around === '\r\n') return at === start || !replace.endsWith('\r');
    return search.includes('\n') && at > 0 && /^\w\w$/.test(around);
  });
}

function exactMatch(text: EditedText, edit: Edit, places: readonly number[]): Match | NoMatch {
  const [start = 0] = places;
  if (places.length > 1) return ambiguous(text, places, '');
  const end = start + edit.search.length;
  const dedented = dedentedLine(text, edit, start);
  if (dedented === 'unclear') return twoReadings(text.lines.placeOf(start).row);
  if (dedented) return { kind: 'match', layer: 'indentation', end, ...dedented };
  // One line says nothing about line endings; what it becomes follows the file.
  const follows = !edit.search.includes('\n') && !edit.search.includes('\r') && !edit.replace.includes('\r');
  if (follows && edit.replace.includes('\n') && text.lineEnding === 'crlf') {
    return {
      kind: 'match',
      layer: 'line_endings',
      start,
      end,
      replacement: withBreaks(edit.replace, '\r\n'),
    };
  }
  return { kind: 'match', layer: 'exact', start, end, replacement: edit.replace };
}

function twoReadings(row: number): NoMatch {
  const message = `the search text occurs at line ${row + 1} in another indentation, and the indentation of the replacement can be read in two ways; copy the lines exactly from the file and indent the replacement as they are`;
  return { kind: 'absent', message };
}

function ambiguous(text: EditedText, offsets: readonly number[], how: string): NoMatch {
  const rows = offsets.map((offset) => text.lines.placeOf(offset).row);
  return { kind: 'ambiguous', message: ambiguousMessage(text.lines, rows, how) };
}

function looseMatch(text: EditedText, edit: Edit, path: string): Match | NoMatch {
  const table = text.lines;
  const byLines = editByLines(edit);
  const { lines } = byLines.search;
  const elision = elisionInEdit(lines, (line) => table.idOf(line) >= 0, isPython(path));
  if (elision) return elided('search', elision);

  const broken = otherBreaks(text, edit, byLines);
  if (broken) return broken;
  const { places, misfits } = matchBlocks(table, byLines);
  const [place] = places;
  if (place && places.length > 1) return ambiguousPlaces(text, places);
  if (place) return blockMatch(text, byLines, place);
  if (misfits.length > 1) {
    return { kind: 'ambiguous', message: ambiguousMessage(table, misfits, ' in other indentations') };
  }
  // A mark that the file has elsewhere is still no text of this place.
  const mark = elisionInEdit(lines, () => false, isPython(path));
  if (mark) return elided('search', mark);
  const done = text.occurrences(edit.replace);
  if (done.length > 0 && saysMuch(byLines)) return alreadyThere(text, done);
  const similar = matchSimilar(table, byLines);
  switch (similar.kind) {
    case 'found': {
      const { rows } = similar.place;
      const left = lines.findIndex((line, at) => rows[at] === undefined && isElision(line, false));
      if (left >= 0) return elided('search', { line: (lines[left] ?? '').trim(), number: left + 1 });
      return matched(text, byLines, similar.place);
    }
    case 'doubt': {
      const several = similar.windows.length > 1;
      const message = doubtMessage(table, lines, similar.windows, similar.why);
      return { kind: several ? 'ambiguous' : 'absent', message };
    }
    case 'none':
      return { kind: 'absent', message: absentMessage(table, lines) };
  }
}

/** Whether a replacement is long enough to be told from a text that is there by chance. */
function saysMuch({ replace }: EditByLines): boolean {
  return replace.lines.filter(isSubstantive).length >= 2;
}

function alreadyThere(text: EditedText, places: readonly number[]): NoMatch {
  const rows = places.map((at) => text.lines.placeOf(at).row + 1);
  const lines = `${rows.length > 1 ? 'lines' : 'line'} ${rows.slice(0, 10).join(', ')}`;
  return {
    kind: 'absent',
    message: `the search text does not occur in the file, but the replacement stands there already (${lines}); was this edit made before? Leave it out, or search for the text as it is now`,
  };
}

/** The search with the other line breaks, parts of lines at its ends included. */
function otherBreaks(text: EditedText, edit: Edit, byLines: EditByLines): Match | NoMatch | undefined {
  if (!edit.search.includes('\n') || text.lineEnding === 'none') return undefined;
  const found = ['\n', '\r\n'].flatMap((lineBreak) => {
    const search = withBreaks(edit.search, lineBreak);
    if (search === edit.search) return [];
    return text.occurrences(search).map((start) => ({ start, length: search.length, lineBreak }));
  });
  // Where both breaks stand, whole lines are compared as well.
  const [place, ...others] = found;
  if (!place) return undefined;
  const rows = matchBlocks(text.lines, byLines).places.filter(({ layer }) => layer === 'line_endings');
  const starts = new Set([
    ...found.map(({ start }) => start),
    ...rows.map(({ first }) => text.lines.startOf(first)),
  ]);
  if (starts.size > 1 || others.length > 0) {
    return ambiguous(
      text,
      [...starts].sort((a, b) => a - b),
      ' but for its line endings',
    );
  }
  const { start, length, lineBreak } = place;
  const replacement = withBreaks(edit.replace, lineBreak);
  return { kind: 'match', layer: 'line_endings', start, end: start + length, replacement };
}

function ambiguousPlaces(text: EditedText, places: readonly FoundPlace[]): NoMatch {
  const how = {
    line_endings: ' but for its line endings',
    trailing_space: ' but for white space at line ends',
  };
  const layer = places[0]?.layer;
  const rows = places.map(({ first }) => first);
  const said =
    layer === 'line_endings' || layer === 'trailing_space' ? how[layer] : ' but for its indentation';
  return { kind: 'ambiguous', message: ambiguousMessage(text.lines, rows, said) };
}

function blockMatch(text: EditedText, edit: EditByLines, place: FoundPlace): Match | NoMatch {
  const rival = place.layer === 'indentation' ? rivalInItsIndentation(text, edit, place) : undefined;
  if (rival === undefined) return matched(text, edit, place);
  const rows = [place.first, rival].sort((a, b) => a - b);
  return { kind: 'ambiguous', message: ambiguousMessage(text.lines, rows, ' or almost so') };
}

/** A place that has the search's lines in its very indentation, most of them: it may be the one that is meant. */
function rivalInItsIndentation(text: EditedText, edit: EditByLines, place: FoundPlace): number | undefined {
  const { lines } = edit.search;
  const telling = [...lines.keys()].filter((at) => isSubstantive(lines[at] ?? ''));
  return similarWindows(text.lines, lines).find(({ first, last, rows }) => {
    if (first <= place.last && last >= place.first) return false;
    const same = telling.filter((at) => {
      const row = rows[at];
      return row !== undefined && text.lines.content(row).trimEnd() === lines[at]?.trimEnd();
    });
    return 2 * same.length >= telling.length;
  })?.first;
}

function matched(text: EditedText, edit: EditByLines, place: FoundPlace): Match | NoMatch {
  const change = lineChange(text.lines, edit, place);
  if (!change) return twoReadings(place.first);
  const fallback = text.lineEnding === 'crlf' ? '\r\n' : '\n';
  const { start, end, text: replacement }: Replacement = carryOver(text.lines, edit, place, change, fallback);
  return { kind: 'match', layer: place.layer, start, end, replacement };
}

/** A mark in the replacement for text that was left out, which the place itself does not have. */
function elisionIn(text: EditedText, edit: Edit, { start, end }: Match, path: string): NoMatch | undefined {
  let there: Set<string> | undefined;
  const isThere = (line: string) => {
    there ??= new Set(
      text.text
        .slice(start, end)
        .split('\n')
        .map((known) => known.trim()),
    );
    return there.has(line.trim());
  };
  const elision = elisionInEdit(editLines(edit.replace).lines, isThere, isPython(path));
  return elision && elided('replace', elision);
}

function elided(part: 'search' | 'replace', { line, number }: Elision): NoMatch {
  const message = `line ${number} of ${part}, ${JSON.stringify(line)}, stands for text that was left out, and the file does not say so there; write the text itself, or make several smaller edits`;
  return { kind: 'elided', message };
}

function isPython(path: string): boolean {
  return path.endsWith('.py') || path.endsWith('.pyi');
}
