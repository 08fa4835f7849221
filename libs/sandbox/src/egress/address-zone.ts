import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/**
 * Where an address leads: out into the world, into a network behind the same door, or to the machine
 * itself and what a cloud gives it (its metadata, which hold credentials).
 */
export type AddressZone = 'public' | 'private' | 'local';

/** @param address of IPv4 or IPv6, without brackets or a zone index; anything else counts as local */
export function zoneOf(address: string): AddressZone {
  const family = isIP(address);
  if (family === 0 || address.includes('%')) return 'local';
  const inner = family === 6 ? translated(address) : undefined;
  if (inner !== undefined) return zoneOf(inner);
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (localAddresses.check(address, type)) return 'local';
  if (privateAddresses.check(address, type) || isOwn(address)) return 'private';
  return 'public';
}

/** Addresses for documentation (RFC 5737) stay public: nothing is there, and closed networks use them as their own. */
const localAddresses = listOf([
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Metadata of clouds outside the link-local range: Alibaba, Azure, Oracle, AWS over IPv6.
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  'fd00:ec2::254/128',
  '::/127',
  'fe80::/10',
  'ff00::/8',
]);

const privateAddresses = listOf([
  '10.0.0.0/8',
  '100.64.0.0/10',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  'fc00::/7',
  'fec0::/10',
  // Tunnels that wrap an address of IPv4: 6to4 and Teredo; and translation inside a network (RFC 8215).
  '2002::/16',
  '2001::/32',
  '64:ff9b:1::/48',
]);

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    list.addSubnet(address, Number(bits), address.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}

/**
 * The IPv4 address inside a mapped (::ffff:0:0/96), compatible (::/96) or translated (::ffff:0:0:0/96,
 * 64:ff9b::/96) one.
 */
function translated(address: string): string | undefined {
  // The URL parser writes every address of IPv6 in one way: hexadecimal, shortened.
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const parts = /^(?:::ffff:|::ffff:0:|::|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(plain);
  if (!parts) return undefined;
  const [high, low] = [parseInt(parts[1] ?? '', 16), parseInt(parts[2] ?? '', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** This machine's own addresses: what listens on all of them is not meant for commands. */
function isOwn(address: string): boolean {
  return Object.values(networkInterfaces()).some((ones) => ones?.some((one) => one.address === address));
}
