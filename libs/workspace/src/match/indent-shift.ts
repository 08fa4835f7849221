/** Turns the indentation of the edit's lines into that of the file's; undefined where that is not clear. */
export type IndentShift = (indent: string) => string | undefined;

/** The indentation of a line in the edit, and of the same line in the file. */
export type IndentPair = readonly [edit: string, file: string];

export function indentOf(line: string): string {
  return line.slice(0, line.length - line.trimStart().length);
}

/**
 * The one shift that explains all pairs: so many columns more or less, tabs for spaces or the reverse,
 * one prefix for another, or another width of each level. Undefined when the pairs contradict each other.
 *
 * @param others indentations that occur in the replacement: they tell how wide a level is
 * @param level columns of a level in the file, 0 where that is not known
 */
export function indentShift(
  pairs: readonly IndentPair[],
  others: readonly string[],
  level = 0,
): IndentShift | undefined {
  const seen = new Map<string, string>();
  for (const [edit, file] of pairs) {
    const known = seen.get(edit);
    if (known !== undefined && known !== file) return undefined;
    seen.set(edit, file);
  }
  const distinct = [...seen];
  if (distinct.every(([edit, file]) => edit === file)) return (indent) => indent;
  const edits = [...seen.keys(), ...others];
  const files = [...seen.values()];
  let found: IndentShift | undefined;
  if (edits.every(isSpaces) && files.every(isSpaces)) {
    found = columnsOrScaled(distinct, edits, level);
  } else if (edits.every(isTabs) && files.every(isTabs)) found = columnsShift(distinct);
  else if (edits.every(isSpaces)) found = tabsForSpaces(distinct, edits);
  else if (edits.every(isTabs) && files.every(isSpaces)) found = spacesForTabs(distinct);
  const shift = found ?? prefixShift(distinct);
  return shift && ((indent) => seen.get(indent) ?? shift(indent));
}

function isSpaces(indent: string): boolean {
  return consistsOf(indent, ' ');
}

function isTabs(indent: string): boolean {
  return consistsOf(indent, '\t');
}

function consistsOf(indent: string, character: string): boolean {
  return indent === character.repeat(indent.length);
}

/** The same character on both sides, so many more or fewer of them. */
function columnsShift(pairs: readonly IndentPair[]): IndentShift | undefined {
  const character = pairs.flat().join('').charAt(0);
  const moved = constant(pairs, ([edit, file]) => file.length - edit.length);
  if (moved === undefined) return undefined;
  return (indent) => repeated(character, indent.length + moved);
}

/**
 * So many columns more or less, or levels of another width. Where both explain what was seen, and would say
 * different things of what was not, the width of the file's levels decides.
 */
function columnsOrScaled(
  pairs: readonly IndentPair[],
  edits: readonly string[],
  level: number,
): IndentShift | undefined {
  const [moved, scaled] = [columnsShift(pairs), scaledShift(pairs)];
  if (!moved || !scaled) return moved ?? scaled;
  const step = edits.reduce((divisor, indent) => greatestDivisor(divisor, indent.length), 0);
  const [widened = ''] = pairs.flatMap(([edit, file]) => (edit === '' ? [] : [file.length / edit.length]));
  if (level > 0 && step === level) return moved;
  if (level > 0 && step * Number(widened) === level) return scaled;
  return (indent) => (moved(indent) === scaled(indent) ? moved(indent) : undefined);
}

/** Levels of another width, such as two columns for four. */
function scaledShift(pairs: readonly IndentPair[]): IndentShift | undefined {
  const scale = constant(
    pairs.filter(([edit, file]) => edit !== '' || file !== ''),
    ([edit, file]) => file.length / edit.length,
  );
  if (scale === undefined || !Number.isFinite(scale) || scale === 0) return undefined;
  return (indent) => repeated(' ', indent.length * scale);
}

function tabsForSpaces(pairs: readonly IndentPair[], edits: readonly string[]): IndentShift | undefined {
  const unit = edits.reduce((divisor, indent) => greatestDivisor(divisor, indent.length), 0);
  const fits = [...new Set([unit, 4, 2, 8, 3])].flatMap((width) => {
    if (width < 2 || width > 8) return [];
    const moved = constant(pairs, ([edit, file]) => columns(file, width) - edit.length);
    return moved === undefined ? [] : [{ width, moved }];
  });
  if (fits.length === 0) return undefined;
  const fit = fits.find(({ moved }) => moved === 0) ?? (fits.length === 1 ? fits[0] : undefined);
  return (indent) => {
    // Several widths explain the levels that were seen: what a new one means is open.
    if (!fit || !isSpaces(indent)) return undefined;
    const wanted = indent.length + fit.moved;
    if (wanted < 0) return undefined;
    return '\t'.repeat(Math.floor(wanted / fit.width)) + ' '.repeat(wanted % fit.width);
  };
}

function spacesForTabs(pairs: readonly IndentPair[]): IndentShift | undefined {
  const widths = pairs.flatMap(([edit, file]) => (edit === '' ? [] : [file.length / edit.length]));
  for (const width of [...new Set([...widths, 4, 2, 8, 3])].filter((w) => Number.isInteger(w) && w > 0)) {
    const moved = constant(pairs, ([edit, file]) => file.length - edit.length * width);
    // One level that fits only with an offset would leave the width open.
    if (moved === undefined || (moved !== 0 && pairs.length < 2)) continue;
    return (indent) => (isTabs(indent) ? repeated(' ', indent.length * width + moved) : undefined);
  }
  return undefined;
}

/** One prefix instead of another, the rest as it is. */
function prefixShift(pairs: readonly IndentPair[]): IndentShift | undefined {
  const [first] = pairs;
  if (!first) return undefined;
  const shortest = pairs.reduce((a, b) => (b[0].length < a[0].length ? b : a), first);
  const [from, to] = shortest;
  const fits = pairs.every(
    ([edit, file]) =>
      edit.startsWith(from) && file.startsWith(to) && edit.slice(from.length) === file.slice(to.length),
  );
  if (!fits) return undefined;
  return (indent) => {
    if (!indent.startsWith(from)) return undefined;
    const deeper = indent.slice(from.length);
    // Tabs and spaces that would end up in one indentation are a guess.
    return deeper === '' || to === '' || consistsOf(to, deeper.charAt(0)) ? to + deeper : undefined;
  };
}

function columns(indent: string, tab: number): number {
  let width = 0;
  for (const character of indent) width += character === '\t' ? tab - (width % tab) : 1;
  return width;
}

function constant(pairs: readonly IndentPair[], value: (pair: IndentPair) => number): number | undefined {
  const values = new Set(pairs.map(value));
  const [only] = values;
  return values.size === 1 ? only : undefined;
}

function repeated(character: string, times: number): string | undefined {
  return Number.isInteger(times) && times >= 0 ? character.repeat(times) : undefined;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
