import type { Dir } from 'node:fs';
import { lstat, opendir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { countAsOwner } from './count-as-owner.js';

/** At most this part of the time goes into counting. */
const share = 1 / 20;
const longestMs = 5_000;
/** Even an empty file costs an entry and an inode. */
const leastBytes = 4_096;

/** Tells when directories take more of the disk than they may, without counting all the time. */
export class DiskUse {
  private freeAtStart: number | undefined;
  private freeAtCount: number | undefined;
  private countedAt = performance.now();
  private nextCount = 0;

  constructor(
    private readonly directories: readonly string[],
    private readonly limitBytes: number,
  ) {}

  /**
   * Counts where the file system has lost a part of its space since the last time, or some seconds have
   * passed.
   *
   * @param otherBytes what the same processes take beside the directories
   */
  async isExceeded(otherBytes: number, stopped: () => boolean): Promise<boolean> {
    const free = await this.free();
    this.freeAtStart ??= free;
    this.freeAtCount ??= free;
    const now = performance.now();
    const lost = this.freeAtCount - free;
    const due =
      lost > this.limitBytes / 8 || otherBytes > this.limitBytes / 8 || now - this.countedAt > longestMs;
    if (!due || now < this.nextCount) return false;
    const used = await this.countBytes(this.limitBytes - otherBytes, stopped);
    this.countedAt = performance.now();
    this.nextCount = this.countedAt + (this.countedAt - now) / share;
    this.freeAtCount = free;
    return used + otherBytes > this.limitBytes;
  }

  /** Space that the directories take, at least `enough` where it is more than that. */
  private async countBytes(enough: number, stopped: () => boolean): Promise<number> {
    const { bytes, closed } = await countOpen(this.directories, enough, stopped);
    if (closed.length === 0 || bytes > enough || stopped()) return bytes;
    // What the file system has lost may be others' doing, but nobody can tell.
    return bytes + ((await countAsOwner(closed)) ?? (this.freeAtStart ?? 0) - (await this.free()));
  }

  private free(): Promise<number> {
    return freeBytes(this.directories[0] ?? '/');
  }
}

async function freeBytes(directory: string): Promise<number> {
  try {
    const { bfree, bsize } = await statfs(directory);
    return bfree * bsize;
  } catch {
    return 0;
  }
}

/**
 * Space that directories take, every file once, and those directories that cannot be looked into; stops where
 * it is more than `enough`. Follows no link.
 */
async function countOpen(
  directories: readonly string[],
  enough: number,
  stopped: () => boolean,
): Promise<{ readonly bytes: number; readonly closed: readonly string[] }> {
  const closed: string[] = [];
  const seen = new Set<string>();
  const pending = [...directories];
  let sum = 0;
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const unlessClosed = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES' && closed.at(-1) !== path) closed.push(path);
      return undefined;
    };
    const directory: Dir | undefined = await opendir(path).catch(unlessClosed);
    if (!directory) continue;
    try {
      for await (const entry of directory) {
        if (sum > enough || stopped()) return { bytes: sum, closed };
        const child = join(path, entry.name);
        const stats = await lstat(child).catch(unlessClosed);
        if (!stats) continue;
        if (stats.isDirectory()) pending.push(child);
        else if (stats.nlink > 1 && seen.size === seen.add(`${stats.dev}:${stats.ino}`).size) continue;
        sum += Math.max(stats.blocks * 512, leastBytes);
      }
    } catch {
      // Removed in the meantime.
    }
  }
  return { bytes: sum, closed };
}
