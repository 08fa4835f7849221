/**
 * The marker lines of the form `blocks`. A block is opened by a line of N times `<` (N at least 4) and a
 * word, and closed by a line of N times `>`; an edit is divided by a line of N times `=`. Inside, only
 * lines with exactly N of them count, so that content with markers is written with a larger N.
 */
export const shortestMarker = 4;

export type Marker =
  | { readonly kind: 'open'; readonly width: number; readonly rest: string }
  | { readonly kind: 'divide' | 'close'; readonly width: number; readonly noNewline: boolean };

/** What a line of an answer marks; undefined for a line of text. White space behind a marker is ignored. */
export function markerOf(line: string): Marker | undefined {
  const char = line[0];
  if (char !== '<' && char !== '=' && char !== '>') return undefined;
  let width = 1;
  while (line[width] === char) width += 1;
  if (width < shortestMarker) return undefined;
  const rest = line.slice(width).trimEnd();
  if (rest !== '' && rest[0] !== ' ' && rest[0] !== '\t') return undefined;
  if (char === '<') return { kind: 'open', width, rest: rest.trimStart() };
  const word = rest.trimStart();
  if (word !== '' && word !== noNewlineWord) return undefined;
  return { kind: char === '=' ? 'divide' : 'close', width, noNewline: word === noNewlineWord };
}

/** Behind a dividing or closing marker: the text above it does not end in a line end. */
export const noNewlineWord = 'no-newline';

export const blockWords = [
  'create',
  'write',
  'edit',
  'rename',
  'delete',
  'needs',
  'explanation',
  'end',
] as const;
export type BlockWord = (typeof blockWords)[number];

export const blockOptions = ['executable', 'not-executable', 'base64', 'verbatim'] as const;
export type BlockOption = (typeof blockOptions)[number];

/** Between the two paths of a file that moves. */
export const arrow = ' -> ';

/** Files in which a code fence around everything may be meant. */
export function mayBeFenced(path: string): boolean {
  return /\.(md|mdx|markdown|qmd|rmd)$/i.test(path);
}

/** Whether a text is wrapped in a code fence as a whole, as models do out of habit. */
export function isFenced(text: string): boolean {
  const trimmed = text.trimEnd();
  const lastLine = trimmed.slice(trimmed.lastIndexOf('\n') + 1);
  return trimmed.startsWith('```') && trimmed.includes('\n') && lastLine === '```';
}
