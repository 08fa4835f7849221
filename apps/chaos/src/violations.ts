/** What must never happen, whatever dies: the columns of the report. */
export const columns = [
  'lost',
  'duplicate branches',
  'second commits',
  'duplicate results',
  'leaked slots',
  'repeated LLM calls',
  /** A wrong tree, or a result that does not say what is so. */
  'untrue results',
] as const;
export type Column = (typeof columns)[number];

export interface Violation {
  readonly column: Column;
  readonly what: string;
}
