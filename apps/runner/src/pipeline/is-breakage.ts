import { RunnerError } from '@necrocode/contracts';

/** True for what another delivery of the same message will most likely meet again, unlike an outage. */
export function isBreakage(error: unknown): boolean {
  return error instanceof RunnerError && error.code === 'internal';
}
