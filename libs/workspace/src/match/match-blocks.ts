import { isSubstantive, type EditByLines } from './edit-lines.js';
import type { FoundPlace } from './found-place.js';
import { indentOf, indentShift, type IndentPair, type IndentShift } from './indent-shift.js';
import type { LineTable } from './line-table.js';
import { MAX_PLACES, prefixMatches } from './occurrences.js';

/** Comparing more lines than this says nothing new: the places are too many to name. */
const MAX_COMPARED = 2_000_000;

export interface BlockPlaces {
  /** The places at the strictest layer that has any. */
  readonly places: readonly FoundPlace[];
  /** Rows where the words stand, but in an indentation that no one shift explains. */
  readonly misfits: readonly number[];
}

/** Where all lines of a search stand one after another, but for their white space. */
export function matchBlocks(table: LineTable, edit: EditByLines): BlockPlaces {
  const { lines } = edit.search;
  const ids = lines.map((line) => table.idOf(line));
  if (ids.includes(-1) || !lines.some((line) => line.trim() !== '')) return { places: [], misfits: [] };
  const rows = prefixMatches(
    ids.length,
    table.length,
    (at) => ids[at] ?? -1,
    (at) => table.ids[at] ?? -1,
    Math.min(MAX_PLACES, Math.ceil(MAX_COMPARED / ids.length)),
  );
  const found = rows.map((row) => placeAt(table, edit, row) ?? row);
  const misfits = found.filter((place) => typeof place === 'number');
  const places = found.filter((place) => typeof place !== 'number');
  for (const layer of ['line_endings', 'trailing_space', 'indentation'] as const) {
    const atLayer = places.filter((place) => place.layer === layer);
    if (atLayer.length > 0) return { places: atLayer, misfits };
  }
  return { places: [], misfits };
}

function placeAt(table: LineTable, edit: EditByLines, first: number): FoundPlace | undefined {
  const { lines } = edit.search;
  const actual = table.contents.slice(first, first + lines.length);
  const place = {
    first,
    last: first + lines.length - 1,
    rows: lines.map((_, at) => first + at),
    shift: (indent: string) => indent,
    startsAfterIndent: false,
  };
  if (lines.every((line, at) => line === actual[at])) return { ...place, layer: 'line_endings' };
  if (lines.every((line, at) => line.trimEnd() === actual[at]?.trimEnd())) {
    return { ...place, layer: 'trailing_space' };
  }
  // A bracket in another column may be any bracket.
  if (!lines.some(isSubstantive)) return undefined;
  const shift = shiftOf(lines, actual, edit.replace.lines, table.level);
  return shift && { ...place, ...shift, layer: 'indentation' };
}

/** The shift between two lists of lines that differ only in white space; blank ones say nothing about it. */
export function shiftOf(
  lines: readonly string[],
  actual: readonly string[],
  replacement: readonly string[],
  level: number,
): { readonly shift: IndentShift; readonly startsAfterIndent: boolean } | undefined {
  const pairs = lines.flatMap((line, at): IndentPair[] =>
    line.trim() === '' ? [] : [[indentOf(line), indentOf(actual[at] ?? '')]],
  );
  const added = replacement.filter((line) => line.trim() !== '').map(indentOf);
  const shift = indentShift(pairs, added, level);
  if (shift) return { shift, startsAfterIndent: false };
  // Copied from the first character on: only the first line lacks its indentation.
  const [first, ...others] = pairs;
  const onlyFirst = first?.[0] === '' && lines[0]?.trim() !== '' && others.length > 0;
  if (!onlyFirst || others.some(([edit, file]) => edit !== file)) return undefined;
  return { shift: (indent) => indent, startsAfterIndent: true };
}
