import { hostMatches } from './host-patterns.js';

/** What the configuration allows of repository addresses. */
export interface RepoUrlPolicy {
  /** Of `https`, `ssh`, `http`, `file`. */
  readonly protocols: readonly string[];
  /** Hosts (`name` or `name:port`) that may be reached by plain http. */
  readonly httpHosts: readonly string[];
  /** Patterns of the hosts that may be reached at all (`host`, `host:port`, `*.domain`); absent: any. */
  readonly hosts?: readonly string[];
}

export type CheckedRepoUrl =
  | { readonly kind: 'refused'; readonly problem: string }
  | {
      readonly kind: 'allowed';
      /** What git is given: for `file` the absolute path. */
      readonly url: string;
      /** What git may speak on the way (GitOptions.protocols). */
      readonly protocols: readonly string[];
    };

/** Judges a repository address by its protocol and host, before git sees it. */
export function checkRepoUrl(url: string, policy: RepoUrlPolicy): CheckedRepoUrl {
  if (url === '' || url.startsWith('-') || /[\u0000-\u0020\u007f]/.test(url)) {
    return refused('the address is empty, starts with "-" or contains white space');
  }
  if (url.startsWith('/')) return fileUrl(url, policy);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme !== undefined) return schemeUrl(url, scheme, policy);
  const host = sshAddress.exec(url)?.groups?.['host'];
  if (host !== undefined) {
    const problem = allowedProtocol('ssh', policy) ?? allowedHost(host, policy);
    return problem ?? { kind: 'allowed', url, protocols: ['ssh'] };
  }
  return refused('the address is neither a URL, nor host:path for ssh, nor an absolute path');
}

/** `user@host:path`, nothing in which ssh or git could see an option. */
const sshAddress = /^(?:\w[\w.+-]*@)?(?<host>[A-Za-z0-9][\w.-]+):[^:-].*$/;
/** No escapes, which git and the URL standard decode at different times. */
const sshUrl =
  /^ssh:\/\/(?:\w[\w.+-]*@)?(?<host>(?:[A-Za-z0-9][\w.-]*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?)\/.*$/i;

function schemeUrl(url: string, scheme: string, policy: RepoUrlPolicy): CheckedRepoUrl {
  const problem = allowedProtocol(scheme, policy);
  if (problem) return problem;
  // Where git and the URL standard could read the host differently, nobody reads it.
  if (url.includes('\\') || (scheme !== 'file' && !/^[^/]+:\/\/[^/?#]/.test(url)))
    return refused('the address names no host');
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return refused('the address is not a valid URL');
  }
  if (scheme === 'file') return fileAddress(parsed, policy);
  if (parsed.password !== '' || (parsed.username !== '' && scheme !== 'ssh')) {
    return refused('the address contains credentials; give the runner a GIT_TOKEN instead');
  }
  if (parsed.hostname === '' || parsed.hostname.startsWith('-')) return refused('the address names no host');
  const host = scheme === 'ssh' ? sshUrl.exec(url)?.groups?.['host'] : parsed.host;
  if (host === undefined) return refused('the address is not of the form ssh://user@host:port/path');
  const elsewhere = allowedHost(host, policy);
  if (elsewhere) return elsewhere;
  if (
    scheme === 'http' &&
    !policy.httpHosts.some((host) => host === parsed.host || host === parsed.hostname)
  ) {
    return refused(
      `plain http is not allowed for ${parsed.host}; use https, or name the host in the configuration`,
    );
  }
  return { kind: 'allowed', url: scheme === 'ssh' ? url : parsed.href, protocols: [scheme] };
}

function fileAddress(parsed: URL, policy: RepoUrlPolicy): CheckedRepoUrl {
  if (parsed.hostname !== '' && parsed.hostname !== 'localhost')
    return refused('a file address names no host');
  try {
    return fileUrl(decodeURIComponent(parsed.pathname), policy);
  } catch {
    return refused('the address is not a valid URL');
  }
}

function fileUrl(path: string, policy: RepoUrlPolicy): CheckedRepoUrl {
  const problem = allowedProtocol('file', policy);
  if (problem) return problem;
  if (path.includes('\0') || path.split('/').includes('..'))
    return refused('the path contains ".." or a NUL');
  return { kind: 'allowed', url: path, protocols: ['file'] };
}

/** Protocols that the runner knows how to speak safely; configuration can only choose among them. */
const known = new Set(['https', 'ssh', 'http', 'file']);

function allowedProtocol(protocol: string, policy: RepoUrlPolicy): CheckedRepoUrl | undefined {
  if (protocol === 'http' && policy.httpHosts.length > 0) return undefined;
  if (known.has(protocol) && policy.protocols.includes(protocol)) return undefined;
  return refused(
    `the protocol ${protocol} is not allowed; allowed are ${policy.protocols.join(', ') || 'none'}`,
  );
}

function allowedHost(host: string, { hosts }: RepoUrlPolicy): CheckedRepoUrl | undefined {
  if (!hosts || hostMatches(host, hosts)) return undefined;
  return refused(`the host ${host} is none of those that the configuration allows`);
}

function refused(problem: string): CheckedRepoUrl {
  return { kind: 'refused', problem };
}
