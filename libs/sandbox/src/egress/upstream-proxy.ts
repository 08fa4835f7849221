import { plainHost } from './host-pattern.js';
import type { Destination } from './judge-destination.js';

/** The operator's own proxy for a destination; undefined: it is reached directly. */
export type ChooseUpstream = (destination: Destination, scheme: 'http' | 'https') => URL | undefined;

/**
 * Reads the proxy variables as curl and npm do. What they hold stays with the runner: commands are shown
 * the runner's proxy only, so that credentials in an address are none of theirs.
 */
export function readUpstream(environment: NodeJS.ProcessEnv): ChooseUpstream {
  const exceptions = (valueOf(environment, 'no_proxy') ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  const any = proxyOf(environment, 'all_proxy');
  const proxies = {
    http: proxyOf(environment, 'http_proxy') ?? any,
    https: proxyOf(environment, 'https_proxy') ?? any,
  };
  return (destination, scheme) =>
    exceptions.some((entry) => excepts(entry, destination)) ? undefined : proxies[scheme];
}

/** The value of `proxy-authorization` for a proxy with user information. */
export function authorizationFor({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(text).toString('base64')}` };
}

function valueOf(environment: NodeJS.ProcessEnv, name: string): string | undefined {
  return environment[name] || environment[name.toUpperCase()] || undefined;
}

/** Proxies of other kinds, such as socks, are not spoken. */
function proxyOf(environment: NodeJS.ProcessEnv, name: string): URL | undefined {
  const value = valueOf(environment, name);
  if (value === undefined) return undefined;
  const text = value.includes('://') ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url && ['http:', 'https:'].includes(url.protocol) ? url : undefined;
}

function excepts(entry: string, { host, port }: Destination): boolean {
  if (entry === '*') return true;
  const [, name = '', entryPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (entryPort !== undefined && Number(entryPort) !== port) return false;
  const domain = plainHost(name.replace(/^\*?\./, ''));
  return host === domain || host.endsWith(`.${domain}`);
}
