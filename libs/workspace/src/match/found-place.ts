import type { IndentShift } from './indent-shift.js';
import type { MatchLayer } from './match-layer.js';

/** The lines of a file that an edit means, and which of its own lines stand where among them. */
export interface FoundPlace {
  readonly layer: Exclude<MatchLayer, 'exact'>;
  /** First and last row, from 0. */
  readonly first: number;
  readonly last: number;
  /** By line of the search: its row; undefined where the file says something else. */
  readonly rows: readonly (number | undefined)[];
  readonly shift: IndentShift;
  /** The search's first line lacks its indentation only because it was copied from the first character on. */
  readonly startsAfterIndent: boolean;
}
