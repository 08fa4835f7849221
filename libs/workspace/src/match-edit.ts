import type { Edit } from '@necrocode/contracts';

/** Where an edit's search text stands, in UTF-16 offsets. */
export interface Match {
  readonly kind: 'match';
  readonly start: number;
  readonly end: number;
}

/** Why it cannot be applied, in words that let the model correct it. */
export interface NoMatch {
  readonly kind: 'absent' | 'ambiguous';
  readonly message: string;
}

/** Finds the one place that an edit means: its search text, exactly, once. */
export function matchEdit(text: string, { search }: Edit): Match | NoMatch {
  const places = occurrences(text, search);
  const [start, ...others] = places;
  if (start === undefined) return { kind: 'absent', message: absentMessage(text, search) };
  if (others.length === 0) return { kind: 'match', start, end: start + search.length };
  const lines = places.slice(0, 10).map((place) => lineOf(text, place));
  const more = places.length > lines.length ? ', …' : '';
  return {
    kind: 'ambiguous',
    message: `the search text occurs ${places.length} times (lines ${lines.join(', ')}${more}); add neighbouring lines until it occurs once`,
  };
}

/** Every place, overlapping ones included: two readings of an edit are one too many. */
function occurrences(text: string, search: string): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(search); at >= 0; at = text.indexOf(search, at + 1)) places.push(at);
  return places;
}

function lineOf(text: string, place: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < place; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

function absentMessage(text: string, search: string): string {
  const hint =
    text.includes('\r\n') && search.includes('\n') && !search.includes('\r\n')
      ? crlfHint
      : nearest(text, search);
  return `the search text does not occur in the file; ${hint}`;
}

const crlfHint = 'the lines of this file end in "\\r\\n", so the search text has to say "\\r\\n" too';

/** Where the search text starts to fit, and the first line that does not. */
function nearest(text: string, search: string): string {
  const lines = text.split('\n');
  const wanted = search.split('\n');
  const firstIndex = wanted.findIndex((line) => line.trim() !== '');
  const first = wanted[firstIndex]?.trim() ?? '';
  const found = first === '' ? -1 : lines.findIndex((line) => line.trim() === first);
  if (found < 0) return 'copy it exactly from the file, white space included';
  for (let offset = 0; firstIndex + offset < wanted.length; offset += 1) {
    const actual = lines[found + offset];
    if (actual === undefined)
      return `its first line stands at line ${found + 1}, but the file ends before its last`;
    if (actual !== wanted[firstIndex + offset]) {
      return `its first line stands at line ${found + 1}, but line ${found + offset + 1} is ${JSON.stringify(actual.slice(0, 200))}, not ${JSON.stringify(wanted[firstIndex + offset]?.slice(0, 200))}`;
    }
  }
  return `its first line stands at line ${found + 1}; copy it exactly from the file, white space included`;
}
