import { RunnerError } from '@necrocode/contracts';
import { GitError, type Git } from './git.js';
import { translateGitError, withoutCredentials } from './git-errors.js';
import { checkedObjectId } from './object-id.js';
import { tipOfRemote } from './remote.js';

export interface PushRequest {
  readonly commit: string;
  readonly branch: string;
  /** What the branch has to hold before; absent: the branch must not exist. */
  readonly expected?: string;
}

export type PushOutcome =
  | { readonly kind: 'pushed' }
  /** The branch holds this very commit; someone pushed it before. */
  | { readonly kind: 'already_there' }
  /** The branch holds something else than expected (undefined: it is gone), and was left as it is. */
  | { readonly kind: 'conflict'; readonly holds: string | undefined }
  | { readonly kind: 'rejected_by_remote'; readonly reason: string };

/**
 * Pushes one commit to one branch if that still holds what is expected. One ref is updated whole or
 * not at all, so no `--atomic`, which some servers do not speak. No hook of this side runs. Throws
 * `push_failed` when the remote could not be asked, `repo_auth_failed`, `repo_not_allowed`.
 */
export async function pushCommit(git: Git, url: string, request: PushRequest): Promise<PushOutcome> {
  const ref = `refs/heads/${request.branch}`;
  const lease = `--force-with-lease=${ref}:${request.expected ?? ''}`;
  const flags = ['--porcelain', '--no-verify', '--no-follow-tags', '--no-signed', '--recurse-submodules=no'];
  let printed: string;
  try {
    printed = await git.run('push', ...flags, lease, '--', url, `${checkedObjectId(request.commit)}:${ref}`);
  } catch (error) {
    const line = error instanceof GitError ? statusLine(error.stderr, ref) : undefined;
    if (!line?.startsWith('!')) throw translateGitError(error, { action: 'push', url });
    return judgeRejection(git, url, request, (error as GitError).stderr, line);
  }
  return statusLine(printed, ref)?.startsWith('=') ? { kind: 'already_there' } : { kind: 'pushed' };
}

/** The porcelain line of this ref: flag, refs and summary, separated by tabs. */
function statusLine(printed: string, ref: string): string | undefined {
  return printed
    .split('\n')
    .find((line) => /^[ +\-*!=]\t/.test(line) && line.split('\t')[1]?.endsWith(`:${ref}`));
}

/** Whoever was first may have pushed the same commit, so the branch itself decides what a rejection means. */
async function judgeRejection(
  git: Git,
  url: string,
  { commit, branch, expected }: PushRequest,
  printed: string,
  line: string,
): Promise<PushOutcome> {
  const holds = await tipOfRemote(git, url, branch);
  if (holds === commit) return { kind: 'already_there' };
  if (holds !== expected) return { kind: 'conflict', holds };
  const summary = line.split('\t')[2] ?? '';
  const reason = /\((.*)\)\s*$/.exec(summary)?.[1] ?? '';
  const blocking = /'refs\/heads\/([^']+)' exists; cannot create/.exec(printed)?.[1];
  if (blocking) {
    return { kind: 'rejected_by_remote', reason: `the branch ${blocking} exists, so ${branch} cannot` };
  }
  if (!summary.startsWith('[remote rejected]') || /lock|stale info|failed to update/i.test(reason)) {
    const message = `${withoutCredentials(url)} was updated by someone else at the same moment; the push can be tried again`;
    throw new RunnerError('push_failed', message);
  }
  return { kind: 'rejected_by_remote', reason: readableReason(reason, printed) };
}

/** The reason and what the server's hooks said, as one plain paragraph of at most 500 characters. */
function readableReason(reason: string, printed: string): string {
  const said = printed
    .split('\n')
    .flatMap((line) => /^remote: ?(.*)$/.exec(line)?.[1] ?? [])
    .map((line) =>
      line
        .replace(/\u001b\[[0-9;]*[A-Za-z]/g, '')
        .replace(/[^\P{C}\t]/gu, '')
        .trim(),
    )
    .filter((line) => line !== '');
  return [reason, ...said]
    .join('; ')
    .replace(/\/\/[^/@\s]+@/g, '//')
    .slice(0, 500);
}
