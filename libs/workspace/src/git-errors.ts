import { RunnerError, type ErrorCode } from '@necrocode/contracts';
import { GitError } from './git.js';

/** What git was asked to do; `url` is shown in messages, so it is given without credentials. */
export interface GitAction {
  readonly action: 'look' | 'fetch' | 'push' | 'checkout' | 'build';
  readonly url?: string;
}

/**
 * The reason of a repo_unreachable or push_failed that comes from the way to the remote, not from the
 * remote: it passes by itself. `unknown_host` may also be an address that is wrong.
 */
export type AwayReason = 'network' | 'unknown_host';

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
  const pushing = known.code === 'repo_unreachable' && action === 'push';
  const code = pushing ? 'push_failed' : known.code;
  // Whoever pushes has found the host before.
  const reason = known.reason && pushing ? 'network' : known.reason;
  return new RunnerError(code, known.message(where), { cause: error, retryable: known.retryable, reason });
}

/** For what answers in a remote's place, such as the sign-in page of a network. */
export function notGit(where: string): string {
  return `what answers at ${where} is no git server; check the address, and the network's proxy or sign-in`;
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
  readonly reason?: AwayReason;
}

const unreachable = (where: string) => `${where} cannot be reached; check the address and the network`;

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
    pattern: /Could not resolve (host|hostname|proxy)/i,
    code: 'repo_unreachable',
    message: unreachable,
    reason: 'unknown_host',
  },
  {
    // A way that does not let through what was sent, such as one that is too long.
    pattern: /(returned error:|RPC failed; HTTP) 4(?!08|25|29)\d\d/i,
    code: 'repo_unreachable',
    message: (where) => `${where} did not accept the request; check the address`,
  },
  {
    pattern:
      /not valid: is this a git repository|invalid server response|protocol error|bad line length|unable to update url base from redirection|expected (service|flush)/i,
    code: 'repo_unreachable',
    message: notGit,
    reason: 'network',
  },
  {
    pattern:
      /Failed to connect|Could(n't| not) connect|Connection (refused|reset|timed out|closed)|Connection was reset|timed out|Timeout was reached|Operation too slow|Network is unreachable|No route to host|early EOF|hung up unexpectedly|RPC failed|unexpected disconnect|Empty reply|(Recv|Send) failure|transfer closed|SSL_ERROR_SYSCALL|non-properly terminated|GnuTLS recv error|unexpected eof|(returned error:) (408|425|429|5\d\d)/i,
    code: 'repo_unreachable',
    message: unreachable,
    reason: 'network',
  },
  {
    pattern: /certificate|SSL|gnutls|TLS/i,
    code: 'repo_unreachable',
    message: (where) => `no secure connection to ${where}; check its certificate and GIT_SSL_CAINFO`,
  },
  {
    pattern: /unable to access|Could not read from remote repository/i,
    code: 'repo_unreachable',
    message: unreachable,
  },
];
