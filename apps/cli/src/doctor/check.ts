/** One thing that was looked at, and what to do when it is not as it should be. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** Null when nothing needs to be done. */
  readonly remedy: string | null;
}

export function ok(name: string, detail: string): Check {
  return { name, state: 'ok', detail, remedy: null };
}

export function warn(name: string, detail: string, remedy: string): Check {
  return { name, state: 'warn', detail, remedy };
}

export function fail(name: string, detail: string, remedy: string): Check {
  return { name, state: 'fail', detail, remedy };
}
