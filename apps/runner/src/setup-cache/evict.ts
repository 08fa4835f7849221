import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CacheEntry } from './setup-cache.js';

interface Bounds {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly readEntry: (directory: string) => Promise<CacheEntry | undefined>;
  readonly remove: (path: string) => Promise<void>;
}

/** What a runner that died has left of a copy; a living one takes no longer. */
const abandonedMs = 6 * 3_600_000;

/** Removes what is too old, then what was not used for the longest time until the rest fits. */
export async function evict(
  directory: string,
  { maxBytes, maxAgeMs, readEntry, remove }: Bounds,
): Promise<void> {
  const kept: { path: string; bytes: number; usedAt: number }[] = [];
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (name.startsWith('.')) {
      if (Date.now() - mtimeMs > abandonedMs) await remove(path);
      continue;
    }
    const entry = await readEntry(path);
    const used = await stat(join(path, 'entry.json')).catch(() => undefined);
    if (!entry || !used || Date.now() - Date.parse(entry.created_at) > maxAgeMs) await remove(path);
    else kept.push({ path, bytes: entry.bytes, usedAt: used.mtimeMs });
  }
  let total = kept.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes } of kept.sort((one, other) => one.usedAt - other.usedAt)) {
    if (total <= maxBytes) return;
    await remove(path);
    total -= bytes;
  }
}
