import { status } from '@necrocode/rpc';

/** A renewal that takes longer is made again. */
export const renewalDeadlineMs = 3_000;

/** Whether a status says that the lease is lost, or only that nobody could answer. */
export function judgeRefusal(code: number): 'lost' | 'no_answer' {
  return lostStatuses.has(code) ? 'lost' : 'no_answer';
}

const lostStatuses: ReadonlySet<number> = new Set([status.FAILED_PRECONDITION, status.NOT_FOUND]);
