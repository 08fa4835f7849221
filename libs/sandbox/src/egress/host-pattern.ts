import { isIP } from 'node:net';

/** A destination that the configuration allows: `registry.npmjs.org`, `*.pypi.org`, `10.0.0.5:4873`, `*`. */
export interface HostPattern {
  readonly kind: 'exact' | 'below' | 'any';
  /** Lower case, IPv6 without brackets; of `below` what follows the star; empty for `any`. */
  readonly host: string;
  /** Undefined: the ports of http and https. */
  readonly port: number | undefined;
}

/** How closely the configuration names a host: by its own name, or by a pattern that fits many. */
export type Naming = 'exact' | 'wildcard';

/** Undefined when the text is no pattern. */
export function readHostPattern(text: string): HostPattern | undefined {
  const parts =
    /^(?:(\*)|(\*\.)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?))(?::(\d{1,5}))?$/.exec(
      text,
    );
  if (!parts) return undefined;
  const [, any, below, name = '', portText] = parts;
  const port = portText === undefined ? undefined : Number(portText);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  if (any) return { kind: 'any', host: '', port };
  const host = plainHost(name);
  if (below && isIP(host) !== 0) return undefined;
  if (name.startsWith('[') && isIP(host) !== 6) return undefined;
  return { kind: below ? 'below' : 'exact', host, port };
}

/** As it is compared: lower case, without brackets and the final dot of a full name. */
export function plainHost(host: string): string {
  return host
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

/** How the patterns name a destination; undefined when they do not. */
export function namingOf(patterns: readonly HostPattern[], host: string, port: number): Naming | undefined {
  const fitting = patterns.filter((pattern) => fitsHost(pattern, host) && fitsPort(pattern, port));
  if (fitting.length === 0) return undefined;
  return fitting.some(({ kind }) => kind === 'exact') ? 'exact' : 'wildcard';
}

function fitsHost(pattern: HostPattern, host: string): boolean {
  switch (pattern.kind) {
    case 'any':
      return true;
    case 'below':
      return isIP(host) === 0 && host.endsWith(`.${pattern.host}`);
    case 'exact':
      return host === pattern.host;
  }
}

function fitsPort({ port }: HostPattern, wanted: number): boolean {
  return port === undefined ? wanted === 443 || wanted === 80 : wanted === port;
}
