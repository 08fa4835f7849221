import { readdirSync, readFileSync, statSync } from 'node:fs';
import { readCpuTime, type CpuTime } from './cpu-time.js';

/** What a process and all of its descendants use at one moment. */
export interface ProcessSample {
  /** Processes and threads. */
  readonly processes: number;
  readonly cpuTimes: ReadonlyMap<number, CpuTime>;
  /**
   * Memory of their own, in bytes: what several have in common since they were forked is counted for
   * each, so the truth may be less (`provenMemory`).
   */
  readonly privateBytes: number;
  /** Open files that exist in memory alone, in bytes. */
  readonly memoryFileBytes: number;
  readonly pids: readonly number[];
  /** Space on disk of files that are deleted but still open, in bytes. */
  readonly deletedBytes: number;
  /** The largest number of files that one process has open. */
  readonly openFiles: number;
}

/**
 * Looks at the descendants of `first`: in a PID namespace these are all of its processes, since whoever
 * loses its parent becomes a child of the first one.
 *
 * @param most looks at no more processes than this
 * @param directories on the disk that counts
 */
export function sampleProcesses(first: number, most: number, directories: readonly string[]): ProcessSample {
  const pids: number[] = [];
  const cpuTimes = new Map<number, CpuTime>();
  const sum = {
    pids,
    cpuTimes,
    processes: 0,
    privateBytes: 0,
    memoryFileBytes: 0,
    deletedBytes: 0,
    openFiles: 0,
  };
  const deleted = new Map<string, { bytes: number; inMemory: boolean }>();
  const disks = new Set(directories.map(deviceOf));
  let listed = 0;
  const pending = [first];
  for (let pid = pending.pop(); pid !== undefined && sum.processes <= most; pid = pending.pop()) {
    const directory = `/proc/${pid}`;
    const status = readText(`${directory}/status`);
    if (status === '') continue;
    pids.push(pid);
    sum.processes += numberIn(status, 'Threads');
    sum.privateBytes += numberIn(status, 'RssAnon') * 1_024;
    const cpuTime = readCpuTime(pid);
    if (cpuTime) cpuTimes.set(pid, cpuTime);
    const files = listed < mostListed ? names(`${directory}/fd`) : [];
    listed += files.length;
    sum.openFiles = Math.max(sum.openFiles, files.length);
    for (const file of someOf(files)) noteDeleted(`${directory}/fd/${file}`, disks, deleted);
    for (const thread of names(`${directory}/task`)) {
      const children = readText(`${directory}/task/${thread}/children`);
      pending.push(...children.split(' ').filter(Boolean).map(Number));
    }
  }
  for (const { bytes, inMemory } of deleted.values()) {
    if (inMemory) sum.memoryFileBytes += bytes;
    else sum.deletedBytes += bytes;
  }
  return sum;
}

/** Memory of the processes in bytes, with what they have in common counted once; takes a while. */
export function provenMemory(pids: readonly number[]): number {
  return pids.reduce(
    (sum, pid) => sum + numberIn(readText(`/proc/${pid}/smaps_rollup`), 'Pss_Anon') * 1_024,
    0,
  );
}

/** A look takes a moment only, whatever a command opens: files listed in all, and examined of each process. */
const mostListed = 50_000;
const mostExamined = 256;

/** Others of them at every look, so that nothing hides for long behind many. */
function someOf(files: readonly string[]): readonly string[] {
  if (files.length <= mostExamined) return files;
  const start = Math.floor(Math.random() * files.length);
  return [...files, ...files].slice(start, start + mostExamined);
}

function noteDeleted(
  path: string,
  disks: ReadonlySet<number | undefined>,
  found: Map<string, { bytes: number; inMemory: boolean }>,
): void {
  try {
    const { nlink, blocks, dev, ino, mode } = statSync(path);
    const isFile = (mode & 0o170000) === 0o100000;
    if (nlink > 0 || !isFile) return;
    // File systems without a device of their own are in memory, unless they are an overlay on the disk.
    found.set(`${dev}:${ino}`, { bytes: blocks * 512, inMemory: dev < 256 && !disks.has(dev) });
  } catch {
    // Closed in the meantime.
  }
}

function deviceOf(directory: string): number | undefined {
  return statSync(directory, { throwIfNoEntry: false })?.dev;
}

function numberIn(status: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0);
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
