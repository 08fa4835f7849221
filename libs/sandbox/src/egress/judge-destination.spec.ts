import { networkInterfaces } from 'node:os';
import { zoneOf } from './address-zone.js';
import { readHostPattern, type HostPattern } from './host-pattern.js';
import { judgeDestination, type Address } from './judge-destination.js';

const patterns = (...texts: string[]) => texts.map((text) => readHostPattern(text) as HostPattern);

/** A resolver that knows these names. */
const names = (known: Readonly<Record<string, readonly string[]>>) => (host: string) =>
  Promise.resolve(
    (known[host] ?? []).map((address): Address => ({ address, family: address.includes(':') ? 6 : 4 })),
  );

describe('readHostPattern', () => {
  it.each([
    'registry.npmjs.org',
    '*.pypi.org',
    '*',
    '*:8443',
    'npm.corp:4873',
    '10.0.0.5:80',
    '[fd00::1]:443',
    'a_b',
  ])('[AR-10.2] reads %s', (text) => expect(readHostPattern(text)).toBeDefined());

  it.each([
    '',
    'https://a.b',
    'a.b/c',
    'a b',
    '*a.b',
    'a.*.b',
    '*.*.b',
    'a.b:0',
    'a.b:65536',
    'a.b:*',
    '*.127.0.0.1',
    '::1',
    'u@a.b',
    '[a]',
  ])('[AR-10.2] refuses "%s"', (text) => expect(readHostPattern(text)).toBeUndefined());
});

describe('judgeDestination', () => {
  const judge = async (
    list: string[],
    host: string,
    port = 443,
    addresses: readonly string[] = ['203.0.113.7'],
  ) => {
    const resolve = names({ [host]: addresses });
    return (await judgeDestination({ host, port }, patterns(...list), { resolve, viaUpstream: false })).kind;
  };

  it.each([
    ['its own name', ['a.example'], 'a.example', 443],
    ['plain http', ['a.example'], 'a.example', 80],
    ['another port, named', ['a.example:8443'], 'a.example', 8_443],
    ['a name below', ['*.example'], 'deep.a.example', 443],
    ['anything public', ['*'], 'a.example', 443],
    ['an address, named', ['203.0.113.7'], '203.0.113.7', 443],
    ['an address, any', ['*'], '203.0.113.7', 443],
  ])('[AR-10.2] allows %s', async (_name, list, host, port) => {
    expect(await judge(list, host, port)).toBe('allowed');
  });

  it.each([
    ['nothing is named', [], 'a.example', 443],
    ['another name', ['a.example'], 'b.example', 443],
    ['a longer name', ['a.example'], 'xa.example', 443],
    ['the name above a pattern', ['*.example'], 'example', 443],
    ['a name that only ends the same', ['*.a.example'], 'ba.example', 443],
    ['ssh', ['*'], 'a.example', 22],
    ['smtp', ['*'], 'a.example', 25],
    ['https where another port is named', ['a.example:8443'], 'a.example', 443],
    ['an address where its name is named', ['a.example'], '203.0.113.7', 443],
    ['an address that a pattern seems to fit', ['*.0.113.7'], '203.0.113.7', 443],
  ])('[AR-10.2] refuses %s', async (_name, list, host, port) => {
    expect(await judge(list, host, port)).toBe('refused');
  });

  const local = [
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    '169.254.169.254',
    '::1',
    '::',
    'fe80::1',
    '::ffff:127.0.0.1',
  ];
  const metadata = [
    '64:ff9b::a9fe:a9fe',
    '::ffff:a9fe:a9fe',
    '::ffff:0:a9fe:a9fe',
    'fd00:ec2::254',
    '100.100.100.200',
    '168.63.129.16',
  ];
  it.each([...local, ...metadata, '224.0.0.1', '255.255.255.255'])(
    '[AR-10.2] lets no name lead to %s, named or not',
    async (address) => {
      expect(zoneOf(address)).toBe('local');
      expect(await judge(['a.example'], 'a.example', 443, [address])).toBe('refused');
      expect(await judge(['*'], 'a.example', 443, [address])).toBe('refused');
      expect(await judge(['*'], address)).toBe('refused');
      expect(await judge([address.includes(':') ? `[${address}]` : address], address)).toBe('allowed');
    },
  );

  it.each([
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    'fc00::1',
    '::ffff:10.1.2.3',
    '2002:7f00:1::',
    '64:ff9b:1::a9fe:a9fe',
  ])('[AR-10.2] reaches %s in a private network only under a name of its own', async (address) => {
    expect(zoneOf(address)).toBe('private');
    expect(await judge(['npm.corp'], 'npm.corp', 443, [address])).toBe('allowed');
    expect(await judge(['*.corp'], 'npm.corp', 443, [address])).toBe('refused');
    expect(await judge(['*'], 'npm.corp', 443, [address])).toBe('refused');
  });

  it('[AR-10.2] counts the addresses of this machine as private', () => {
    const own = Object.values(networkInterfaces()).flatMap((ones) => ones ?? []);
    expect(own.filter(({ address }) => zoneOf(address) === 'public')).toEqual([]);
  });

  it('[AR-10.2] connects to the fit ones of several addresses only', async () => {
    const resolve = names({ 'a.example': ['127.0.0.1', '203.0.113.7', '::1'] });
    const verdict = await judgeDestination({ host: 'a.example', port: 443 }, patterns('*'), {
      resolve,
      viaUpstream: false,
    });
    expect(verdict).toEqual({ kind: 'allowed', addresses: [{ address: '203.0.113.7', family: 4 }] });
  });

  it('[AR-10.2] leaves an unknown name to the proxy of the operator, and says so without one', async () => {
    const judged = (viaUpstream: boolean) =>
      judgeDestination({ host: 'a.example', port: 443 }, patterns('a.example'), {
        resolve: names({}),
        viaUpstream,
      });
    expect(await judged(true)).toEqual({ kind: 'allowed', addresses: [] });
    expect(await judged(false)).toMatchObject({ kind: 'unknown' });
  });
});
