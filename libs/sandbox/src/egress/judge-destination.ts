import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { zoneOf, type AddressZone } from './address-zone.js';
import { namingOf, type HostPattern, type Naming } from './host-pattern.js';

export interface Destination {
  /** Lower case, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export type Verdict =
  /** Only these addresses may be connected to: asking for the name again could bring others. Empty: not known here. */
  | { readonly kind: 'allowed'; readonly addresses: readonly Address[] }
  | { readonly kind: 'refused'; readonly why: string }
  /** No refusal: the name is allowed, but leads nowhere. */
  | { readonly kind: 'unknown'; readonly why: string };

export interface Address {
  readonly address: string;
  readonly family: number;
}

export type Resolve = (host: string) => Promise<readonly Address[]>;

/** The machine's own resolver, hosts file included. */
export const resolveByHost: Resolve = (host) => lookup(host, { all: true });

/**
 * Whether a command may go to a destination: its name must be on the list, and so must the addresses
 * that the name leads to be fit for it.
 *
 * @param viaUpstream a proxy of the operator resolves the name; then one that is unknown here is its business
 */
export async function judgeDestination(
  destination: Destination,
  patterns: readonly HostPattern[],
  { resolve, viaUpstream }: { readonly resolve: Resolve; readonly viaUpstream: boolean },
): Promise<Verdict> {
  const { host, port } = destination;
  const naming = namingOf(patterns, host, port);
  if (naming === undefined) return { kind: 'refused', why: 'it is not on the list of allowed hosts' };
  const found =
    isIP(host) === 0 ? await resolve(host).catch(() => []) : [{ address: host, family: isIP(host) }];
  if (found.length === 0) {
    return viaUpstream
      ? { kind: 'allowed', addresses: [] }
      : { kind: 'unknown', why: 'its name cannot be resolved' };
  }
  const addresses = found.filter(({ address }) => isFit(zoneOf(address), naming, host));
  if (addresses.length > 0) return { kind: 'allowed', addresses };
  const zones = [...new Set(found.map(({ address }) => zoneOf(address)))].join(', ');
  return { kind: 'refused', why: `it leads to a ${zones} address, which has to be named itself` };
}

/** A pattern does not reach into private networks, and a name does not reach this machine. */
function isFit(zone: AddressZone, naming: Naming, host: string): boolean {
  switch (zone) {
    case 'public':
      return true;
    case 'private':
      return naming === 'exact';
    case 'local':
      return naming === 'exact' && (isIP(host) !== 0 || host === 'localhost');
  }
}
