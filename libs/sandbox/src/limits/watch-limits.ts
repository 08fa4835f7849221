import { statfsSync, statSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { CommandLimits, LimitHit } from '../command.js';
import { CpuTimes } from './cpu-time.js';
import { DiskUse } from './disk-use.js';
import type { ResourceGroup } from './resource-group.js';
import { provenMemory, sampleProcesses, type ProcessSample } from './sample-processes.js';

export interface Watched {
  /** The process above all others of the command; undefined as long as it is not known. */
  readonly first: () => number | undefined;
  readonly limits: CommandLimits;
  readonly group: ResourceGroup | undefined;
  /** Directories that are counted together. */
  readonly directories: readonly string[];
  /** Directories in memory, as the command sees them. */
  readonly inMemory: readonly string[];
  /** Called once; the command is to be ended. */
  readonly onReached: (limit: LimitHit) => void;
}

export interface Watch {
  /** A limit that was reached but ended nothing, or that the kernel alone has seen. */
  last(): LimitHit | undefined;
  stop(): void;
}

/** Commands that are done sooner are never looked at. */
const pauseMs = 50;
/** At most this part of the time goes into watching. */
const share = 1 / 20;

/** Looks at what a command uses several times a second. */
export function watchLimits(watched: Watched): Watch {
  const { limits, group, onReached } = watched;
  const disk =
    limits.diskMb === undefined ? undefined : new DiskUse(watched.directories, limits.diskMb * 1_048_576);
  const cpuTimes = new CpuTimes();
  let stopped = false;
  let openFiles = false;
  let timer: NodeJS.Timeout;

  const look = async () => {
    const started = performance.now();
    const seen = whatIsReached(watched, cpuTimes);
    openFiles ||= seen.openFiles;
    const exceeded = await disk?.isExceeded(seen.deletedBytes, () => stopped);
    if (stopped) return;
    const limit = seen.limit ?? (exceeded ? 'disk' : undefined);
    if (limit !== undefined) return onReached(limit);
    schedule(Math.max(pauseMs, (performance.now() - started) / share));
  };
  const schedule = (milliseconds: number) => {
    timer = setTimeout(() => void look(), milliseconds);
  };
  schedule(pauseMs);
  return {
    last: () => group?.reached() ?? (openFiles ? 'open_files' : undefined),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

interface Seen {
  readonly limit?: LimitHit | undefined;
  readonly openFiles: boolean;
  readonly deletedBytes: number;
}

function whatIsReached(watched: Watched, cpuTimes: CpuTimes): Seen {
  const { first, limits, group, inMemory, directories } = watched;
  const reached = group?.reached();
  if (reached !== undefined) return { limit: reached, openFiles: false, deletedBytes: 0 };
  const pid = first();
  if (pid === undefined) return { openFiles: false, deletedBytes: 0 };
  const { processes = Infinity, cpuSeconds = Infinity } = limits;
  const sample = sampleProcesses(pid, processes, directories);
  const files = ownFiles(pid, inMemory);
  const limit = judge([
    [sample.processes >= processes, 'processes'],
    [group === undefined && isTooMuch(sample, files, limits), 'memory'],
    [Math.max(cpuTimes.add(sample.cpuTimes), group?.cpuSeconds() ?? 0) > cpuSeconds, 'cpu'],
    [files.some(({ free }) => free === 0), 'disk'],
  ]);
  const openFiles = sample.openFiles >= (limits.openFiles ?? Infinity);
  return { limit, openFiles, deletedBytes: sample.deletedBytes };
}

/** Only where no control group counts: it does so better. */
function isTooMuch(
  sample: ProcessSample,
  files: readonly Space[],
  { memoryMb = Infinity }: CommandLimits,
): boolean {
  const limit = memoryMb * 1_048_576;
  const inFiles = files.reduce((sum, { used }) => sum + used, sample.memoryFileBytes);
  return inFiles + sample.privateBytes > limit && inFiles + provenMemory(sample.pids) > limit;
}

function judge(cases: readonly (readonly [boolean, LimitHit])[]): LimitHit | undefined {
  return cases.find(([isReached]) => isReached)?.[1];
}

interface Space {
  readonly used: number;
  readonly free: number;
}

/** Space of the command's own file systems in memory, in bytes, as soon as it has its own root. */
function ownFiles(pid: number, inMemory: readonly string[]): Space[] {
  const root = `/proc/${pid}/root`;
  try {
    if (statSync(root).dev === statSync('/').dev) return [];
    return inMemory.map((path) => {
      const { blocks, bfree, bsize } = statfsSync(root + path);
      return { used: (blocks - bfree) * bsize, free: bfree * bsize };
    });
  } catch {
    return [];
  }
}
