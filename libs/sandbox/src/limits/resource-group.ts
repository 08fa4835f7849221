import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CommandLimits, LimitHit } from '../command.js';

/** Where control groups can be made: a directory per controller (version 1), or one for all (version 2). */
export type GroupPlace =
  | { readonly version: 2; readonly directory: string }
  | {
      readonly version: 1;
      readonly memory: string;
      readonly pids: string;
      readonly cpu?: string;
      readonly cpuacct?: string;
    };

/** A control group of one command: the kernel counts all of its processes together. */
export interface ResourceGroup {
  /** Files into which the first process writes 0 to join, before it starts anything else. */
  readonly joinFiles: readonly string[];
  /** The limit that the kernel had to hold it to, if any. */
  reached(): LimitHit | undefined;
  /** CPU time of all that ever ran in it, in seconds; undefined where nobody counts. */
  cpuSeconds(): number | undefined;
  /** Ends every process in it. */
  end(): void;
  /** Removes it; what is left in it is ended first. */
  remove(): Promise<void>;
}

/** Makes a group with these limits. Throws what the file system says when it cannot be made. */
export function openResourceGroup(place: GroupPlace, limits: CommandLimits): ResourceGroup {
  const name = `${groupPrefix}${process.pid}-${(made += 1)}`;
  const directories = directoriesOf(place).map((parent) => join(parent, name));
  try {
    for (const directory of directories) mkdirSync(directory);
    for (const [file, value, needed] of settingsOf(place, name, limits)) set(file, value, needed);
  } catch (error) {
    for (const directory of directories) tryTo(() => rmdirSync(directory));
    throw error;
  }
  const end = () => endGroup(place.version, directories);
  return {
    joinFiles: directories.map((directory) => join(directory, 'cgroup.procs')),
    reached: () => reachedLimit(place, name),
    cpuSeconds: () => usedCpu(place, name),
    end,
    remove: () => removeGroups(directories, end),
  };
}

/** Followed by the number of the process that made the group. */
export const groupPrefix = 'necrocode-';
let made = 0;
/** How long the processes of a removed group may take to be gone. */
const removalMs = 2_000;
const periodUs = 100_000;

export function directoriesOf(place: GroupPlace): string[] {
  if (place.version === 2) return [place.directory];
  const { memory, pids, cpu, cpuacct } = place;
  return [...new Set([memory, pids, cpu, cpuacct].filter((directory) => directory !== undefined))];
}

type Setting = readonly [file: string, value: string, needed: boolean];

function settingsOf(
  place: GroupPlace,
  name: string,
  { memoryMb, processes, cpus }: CommandLimits,
): Setting[] {
  const bytes = memoryMb === undefined ? undefined : String(memoryMb * 1_048_576);
  const quota = cpus === undefined ? undefined : String(Math.max(1_000, Math.round(cpus * periodUs)));
  const settings: Setting[] = [];
  if (place.version === 2) {
    const file = (setting: string) => join(place.directory, name, setting);
    if (bytes !== undefined) {
      settings.push([file('memory.max'), bytes, true]);
      // Not there without swap, or before Linux 4.19.
      settings.push([file('memory.swap.max'), '0', false], [file('memory.oom.group'), '1', false]);
    }
    if (processes !== undefined) settings.push([file('pids.max'), String(processes), true]);
    if (quota !== undefined) settings.push([file('cpu.max'), `${quota} ${periodUs}`, true]);
    return settings;
  }
  if (bytes !== undefined) {
    settings.push([join(place.memory, name, 'memory.limit_in_bytes'), bytes, true]);
    settings.push([join(place.memory, name, 'memory.memsw.limit_in_bytes'), bytes, false]);
  }
  if (processes !== undefined) settings.push([join(place.pids, name, 'pids.max'), String(processes), true]);
  if (quota !== undefined && place.cpu !== undefined) {
    settings.push([join(place.cpu, name, 'cpu.cfs_quota_us'), quota, true]);
  }
  return settings;
}

function set(file: string, value: string, needed: boolean): void {
  try {
    writeFileSync(file, value);
  } catch (error) {
    if (needed) throw error;
  }
}

function reachedLimit(place: GroupPlace, name: string): LimitHit | undefined {
  const [memoryFile, pidsFile] =
    place.version === 2
      ? [join(place.directory, name, 'memory.events'), join(place.directory, name, 'pids.events')]
      : [join(place.memory, name, 'memory.oom_control'), join(place.pids, name, 'pids.events')];
  if (countIn(memoryFile, 'oom_kill') > 0) return 'memory';
  return countIn(pidsFile, 'max') > 0 ? 'processes' : undefined;
}

function usedCpu(place: GroupPlace, name: string): number | undefined {
  if (place.version === 2) return countIn(join(place.directory, name, 'cpu.stat'), 'usage_usec') / 1e6;
  const { cpuacct } = place;
  const nanoseconds =
    cpuacct !== undefined && tryTo(() => readFileSync(join(cpuacct, name, 'cpuacct.usage'), 'latin1'));
  return nanoseconds ? Number(nanoseconds) / 1e9 : undefined;
}

function countIn(file: string, key: string): number {
  const text = tryTo(() => readFileSync(file, 'latin1')) ?? '';
  return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

function endGroup(version: 1 | 2, directories: readonly string[]): void {
  for (const directory of directories) {
    // Linux 5.14 and newer.
    if (version === 2 && tryTo(() => (writeFileSync(join(directory, 'cgroup.kill'), '1'), true))) continue;
    for (const pid of (tryTo(() => readFileSync(join(directory, 'cgroup.procs'), 'latin1')) ?? '')
      .split('\n')
      .map(Number)) {
      if (pid > 0) tryTo(() => process.kill(pid, 'SIGKILL'));
    }
  }
}

async function removeGroups(directories: readonly string[], end: () => void): Promise<void> {
  for (const directory of directories) {
    for (let waited = 0; waited < removalMs; waited += 1) {
      if (tryTo(() => (rmdirSync(directory), true)) || !existsSync(directory)) break;
      end();
      await delay(1);
    }
  }
}

/** Undefined when it does not work. */
function tryTo<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
