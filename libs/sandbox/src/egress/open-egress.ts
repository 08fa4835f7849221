import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandLimits } from '../command.js';
import { EgressProxy, type EgressRules } from './egress-proxy.js';
import { readHostPattern } from './host-pattern.js';
import { resolveByHost, type Resolve } from './judge-destination.js';
import { Refusals, type Refusal } from './refusals.js';
import { readUpstream } from './upstream-proxy.js';

/** What commands with network may do with it, at level `full`. */
export interface SetupNetwork {
  /**
   * Hosts that may be reached on the ports 80 and 443 (`registry.npmjs.org`), or on another (`host:8443`);
   * `*.pypi.org` means the names below, `*` every public one.
   */
  readonly hosts: readonly string[];
  /** Connections at the same time, of one command. */
  readonly maxConnections?: number;
  /** Of one command, in both directions together. */
  readonly maxBytes?: number;
  readonly resolve?: Resolve;
}

/** A command's way out: what its sandbox has to show, and what goes in front of it. */
export interface Egress {
  /** Arguments of bubblewrap. */
  readonly mounts: readonly string[];
  /** What the child reads from a descriptor: the forwarder. */
  readonly script: string;
  /** Goes before the command's own words. */
  readonly prefix: readonly string[];
  refusals(): readonly Refusal[];
  close(): Promise<void>;
}

const usual = { maxConnections: 256, maxBytes: 8 * 1024 ** 3, headMs: 10_000, idleMs: 120_000 };

/** In a network of its own, any port is free. */
const forwarderPort = 3_128;
export const egressAddress = `http://127.0.0.1:${forwarderPort}`;

const inside = { script: '/run/necrocode/egress.mjs', socket: '/run/necrocode/egress.sock' };
const script = readFileSync(join(import.meta.dirname, '../../inside/egress-forwarder.mjs'), 'utf8');

/**
 * Opens a proxy for one command, behind a Unix socket that is shown to it.
 *
 * @param descriptor by which the child reads the forwarder
 * @param directory where the socket is made, in a directory of its own that `close` removes; commands do not see it
 * @param tell hears of what is refused, each place once
 */
export async function openEgress(
  network: SetupNetwork,
  environment: NodeJS.ProcessEnv,
  descriptor: number,
  directory: string,
  tell: (text: string) => void,
): Promise<Egress> {
  const proxy = new EgressProxy(rulesOf(network, environment), new Refusals(tell));
  const made = await mkdtemp(join(directory, 'necrocode-egress-'));
  const handle = await open(made, 'r');
  const close = async () => {
    await proxy[Symbol.asyncDispose]();
    await handle.close();
    await rm(made, { recursive: true, force: true });
  };
  try {
    // The user that the sandbox runs as has to get at it, but nobody can find it.
    await chmod(made, 0o711);
    const name = `${randomBytes(8).toString('hex')}.sock`;
    const socket = join(made, name);
    // The address of a Unix socket has room for 107 bytes, a directory may have a longer one.
    await proxy.listen(`/proc/self/fd/${handle.fd}/${name}`);
    await chmod(socket, 0o666);
    return {
      mounts: [
        ...['--dir', '/run/necrocode', '--file', String(descriptor), inside.script],
        ...['--ro-bind', socket, inside.socket],
      ],
      script,
      prefix: [process.execPath, inside.script, String(forwarderPort), inside.socket],
      refusals: () => proxy.refusals.list,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A command with network has as much for itself as one without: what its forwarder takes comes on top. */
export function withForwarder(limits: CommandLimits = {}): CommandLimits {
  const { processes, memoryMb } = limits;
  return {
    ...limits,
    ...(processes !== undefined && { processes: processes + forwarderNeeds.processes }),
    ...(memoryMb !== undefined && { memoryMb: memoryMb + forwarderNeeds.memoryMb }),
  };
}

/** Measured: 7 threads; memory of its own 16 MB at rest, 90 MB under 40 downloads of 50 MB at once. */
const forwarderNeeds = { processes: 12, memoryMb: 128 };

function rulesOf(
  { hosts, resolve = resolveByHost, ...limits }: SetupNetwork,
  environment: NodeJS.ProcessEnv,
): EgressRules {
  const patterns = hosts.flatMap((text) => readHostPattern(text) ?? []);
  return { ...usual, ...limits, patterns, resolve, chooseUpstream: readUpstream(environment) };
}
