import { RunnerError, type ErrorCode } from '@necrocode/contracts';
import { GitError } from './git.js';

/** What git was asked to do; `url` is shown in messages, so it is given without credentials. */
export interface GitAction {
  readonly action: 'look' | 'fetch' | 'push' | 'checkout' | 'build';
  readonly url?: string;
}

/**
 * The one place where git's words become error codes. Anything that git did not say (an abort, a
 * RunnerError) is returned as it is. git's own text stays in the cause.
 */
export function translateGitError(error: unknown, { action, url }: GitAction): unknown {
  if (!(error instanceof GitError)) return error;
  const said = error.stderr;
  const where = url === undefined ? 'the repository' : withoutCredentials(url);
  const known = verdicts.find(({ pattern }) => pattern.test(said));
  if (!known) {
    const failed = `git could not ${doing[action]}${url === undefined ? '' : ` ${where}`}`;
    const code = action === 'push' ? 'push_failed' : 'git_failed';
    return new RunnerError(code, `${failed}; git's words are in the log`, { cause: error });
  }
  const code = known.code === 'repo_unreachable' && action === 'push' ? 'push_failed' : known.code;
  return new RunnerError(code, known.message(where), { cause: error, retryable: known.retryable });
}

/** A URL as it may be shown: without user information, query and fragment. */
export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1').replace(/[?#].*$/, '');
}

const doing: Readonly<Record<GitAction['action'], string>> = {
  look: 'read the branches of',
  fetch: 'fetch from',
  push: 'push to',
  checkout: 'check out the base commit',
  build: 'build or read the commit',
};

interface Verdict {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly message: (where: string) => string;
  readonly retryable?: boolean;
}

/** In order: the first that matches counts, so the specific ones stand before the general ones. */
const verdicts: readonly Verdict[] = [
  {
    pattern: /transport '[^']*' not allowed/i,
    code: 'repo_not_allowed',
    message: (where) => `the protocol of ${where} is not allowed by the configuration`,
  },
  {
    pattern: /returned error: 30\d|unable to update url base from redirection/i,
    code: 'repo_unreachable',
    message: (where) => `${where} sends git elsewhere, which is not followed; give the address it moved to`,
    retryable: false,
  },
  {
    pattern: /invalid path '|File name too long/i,
    code: 'git_failed',
    message: () => 'the base commit holds a path that git refuses to check out',
    retryable: false,
  },
  {
    pattern: /No space left on device|Disk quota exceeded/i,
    code: 'workspace_failed',
    message: () => 'the disk of the workspace is full',
  },
  {
    pattern: /Host key verification failed/i,
    code: 'repo_auth_failed',
    message: (where) => `the ssh host key of ${where} is not known; add it to the runner's known_hosts`,
  },
  {
    pattern:
      /Authentication failed|could not read (Username|Password)|terminal prompts disabled|Permission denied \((publickey|password|keyboard)|Invalid (username|credentials)|returned error: (401|403)|HTTP Basic: Access denied|Write access to repository not granted/i,
    code: 'repo_auth_failed',
    message: (where) =>
      `${where} refused the git credentials; check GIT_TOKEN, its rights on this repository, and that it is for this host (GIT_TOKEN_HOSTS)`,
  },
  {
    pattern: /couldn't find remote ref|Remote branch .* not found|bad revision|unknown revision/i,
    code: 'base_branch_missing',
    message: (where) => `the branch or commit does not exist in ${where}; check base_branch`,
  },
  {
    pattern: /\[remote rejected\]/i,
    code: 'push_rejected',
    message: (where) => `${where} rejected the push; check its branch rules and hooks`,
  },
  {
    pattern:
      /repository .*not found|Repository not found|does not appear to be a git repository|returned error: 404|repository '[^']*' does not exist|The project you were looking for could not be found/i,
    code: 'repo_unreachable',
    message: (where) => `there is no repository at ${where}, or the credentials do not let the runner see it`,
    retryable: false,
  },
  {
    pattern: /certificate|SSL|gnutls|TLS/i,
    code: 'repo_unreachable',
    message: (where) => `no secure connection to ${where}; check its certificate and GIT_SSL_CAINFO`,
  },
  {
    pattern:
      /Could not resolve (host|hostname|proxy)|Failed to connect|Couldn't connect|Connection (refused|reset|timed out|closed)|timed out|Network is unreachable|No route to host|unable to access|Could not read from remote repository|early EOF|hung up unexpectedly|RPC failed|unexpected disconnect|Empty reply|returned error: (408|429|5\d\d)/i,
    code: 'repo_unreachable',
    message: (where) => `${where} cannot be reached; check the address and the network`,
  },
];
