import { RunnerError } from '@necrocode/contracts';

/** The id of an object as git takes it nowhere for an option, a range or a name. Throws `git_failed`. */
export function checkedObjectId(id: string): string {
  if (/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(id)) return id;
  throw new RunnerError('git_failed', 'what should be the id of a commit is none', { retryable: false });
}
