import { readFileSync } from 'node:fs';
import { RunnerError } from '@necrocode/contracts';
import type { CommandLimits } from '../command.js';

const mebibyte = 1_048_576;
/**
 * How much further the kernel's limits of each process reach than those that are counted for all together,
 * so that a command which reaches one is ended by its name instead of failing for reasons of its own. Memory
 * that is only reserved, such as the stacks of threads, counts here too.
 */
const beyond = { memoryMb: 4_096, processes: 64, cpuSeconds: 1 };

/**
 * What goes in front of a command so that the kernel holds each of its processes to the limits. A host's own
 * lower limits stay.
 *
 * @throws RunnerError sandbox_unavailable without `prlimit`
 */
export function limitArguments(prlimit: string | undefined, limits: CommandLimits = {}): string[] {
  // Machines for development have nothing like it.
  if (process.platform !== 'linux') return [];
  const { memoryMb, cpuSeconds, processes, fileSizeMb, openFiles } = limits;
  const wanted: [flag: string, host: string, value: number | undefined, above?: number][] = [
    ['data', 'Max data size', memoryMb && (2 * memoryMb + beyond.memoryMb) * mebibyte],
    // The soft limit's signal tells which limit it was; the hard one kills.
    ['cpu', 'Max cpu time', cpuSeconds && Math.ceil(cpuSeconds) + beyond.cpuSeconds, 2],
    ['nproc', 'Max processes', processes && 2 * processes + beyond.processes],
    ['fsize', 'Max file size', fileSizeMb && fileSizeMb * mebibyte],
    ['nofile', 'Max open files', openFiles],
  ];
  const flags = wanted.flatMap(([flag, host, value, above = 0]) => {
    if (value === undefined) return [];
    const most = hostLimits().get(host) ?? Infinity;
    return [`--${flag}=${Math.min(value, most)}:${Math.min(value + above, most)}`];
  });
  if (flags.length === 0) return [];
  if (prlimit !== undefined) return [prlimit, ...flags, '--'];
  throw new RunnerError('sandbox_unavailable', 'limits need the program prlimit (package util-linux)');
}

/** Sizes of a command's file systems in memory, in bytes. */
export function memorySizes({ temporaryMb = 1_024, memoryMb = 4_096 }: CommandLimits = {}): {
  readonly temporary: number;
  readonly shared: number;
} {
  return { temporary: temporaryMb * mebibyte, shared: Math.ceil(memoryMb / 4) * mebibyte };
}

let known: ReadonlyMap<string, number> | undefined;

/** The hard limits of this process, above which only a privileged one may go. */
function hostLimits(): ReadonlyMap<string, number> {
  known ??= parseLimits(readFileSync('/proc/self/limits', 'latin1'));
  return known;
}

function parseLimits(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^(Max [a-z ]+?) {2,}\S+ +(\d+)/.exec(line);
    if (match?.[1] !== undefined) found.set(match[1], Number(match[2]));
  }
  return found;
}
