import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, rmdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { counter, type Logger } from '@necrocode/telemetry';
import { emptyDirectory } from '@necrocode/workspace';
import type { SetupCache, SetupOutcome, SetupPlace } from '../pipeline/ports.js';
import { copy, giveTo, settleOnDisk, sizeOf } from './copy.js';
import { evict } from './evict.js';
import { findLeavings, isFreeFor } from './leavings.js';

export interface SetupCacheOptions {
  /** Only the runner may reach it: what lies there is trusted. */
  readonly directory: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly log: Logger;
}

const outcomes = counter('necrocode.setup.cache', 'Setups by what the cache did for them');

const entrySchema = z.strictObject({
  version: z.literal(1),
  /** Another one at every making. */
  id: z.uuid(),
  created_at: z.iso.datetime(),
  bytes: z.int().min(0),
  /** Of the work tree; the content of the first is in `0`, and so on. */
  paths: z.array(z.string().min(1)),
});
export type CacheEntry = z.infer<typeof entrySchema>;

/** More files cost more to copy than most installations. */
const mostFiles = 400_000;

/**
 * What setups left, in one directory per key: copied in, published by one rename, never changed after
 * that, copied out. No command sees a directory that another task uses.
 */
export class SetupCacheDirectory implements SetupCache {
  /** Setups that are being done, by key: others of the same runner wait for them. */
  private readonly underWay = new Map<string, Promise<void>>();

  constructor(private readonly options: SetupCacheOptions) {}

  async provide(key: string, place: SetupPlace, populate: () => Promise<boolean>): Promise<SetupOutcome> {
    const { signal } = place;
    for (let other = this.underWay.get(key); other; other = this.underWay.get(key))
      await unless(signal, other);
    const done = Promise.withResolvers<void>();
    this.underWay.set(key, done.promise);
    try {
      const outcome = await this.restoreOrPopulate(key, place, populate);
      outcomes.add(1, { 'necrocode.setup.cache': outcome.kind });
      return outcome;
    } finally {
      this.underWay.delete(key);
      done.resolve();
    }
  }

  private async restoreOrPopulate(
    key: string,
    place: SetupPlace,
    populate: () => Promise<boolean>,
  ): Promise<SetupOutcome> {
    if (await this.restore(key, place)) return { kind: 'hit' };
    if (!(await populate())) return { kind: 'not_kept', why: 'setup did not succeed as it should' };
    try {
      const why = await this.keep(key, place);
      return why === undefined ? { kind: 'stored' } : { kind: 'not_kept', why };
    } catch (error) {
      place.signal.throwIfAborted();
      this.options.log.warn({ error }, 'what setup left could not be kept');
      return { kind: 'not_kept', why: 'it could not be copied' };
    }
  }

  private async restore(key: string, { workTree, homeDir, signal }: SetupPlace): Promise<boolean> {
    const directory = join(this.options.directory, key);
    const entry = await readEntry(directory);
    if (!this.isFresh(entry)) return false;
    if (!(await isFreeFor(workTree, entry.paths))) return false;
    if ((await readdir(homeDir)).length > 0) return false;
    const targets = entry.paths.map((path) => join(workTree, path));
    try {
      await utimes(join(directory, 'entry.json'), new Date(), new Date());
      for (const [at, target] of targets.entries()) {
        await copy(join(directory, String(at)), target, signal);
        await giveTo(target, workTree, signal);
      }
      await copy(join(directory, 'home'), homeDir, signal);
      await giveTo(homeDir, workTree, signal);
      // One that was removed meanwhile was moved first: what came of it may lack something.
      if ((await readEntry(directory))?.id === entry.id) return true;
      throw new Error('the kept setup was removed while it was copied');
    } catch (error) {
      for (const target of targets) await rm(target, { recursive: true, force: true });
      await emptyDirectory(homeDir);
      signal.throwIfAborted();
      this.options.log.warn({ error, key }, 'a kept setup could not be used');
      await remove(directory);
      return false;
    }
  }

  /** @returns why it was not kept */
  private async keep(key: string, place: SetupPlace): Promise<string | undefined> {
    const { workTree, homeDir, tree, git, signal } = place;
    const { directory, maxBytes, maxAgeMs } = this.options;
    const left = await findLeavings(workTree, tree, git);
    if (left.kind === 'unfit') return left.why;
    const sources = left.paths.map((path) => join(workTree, path));
    const { bytes, files } = await sizeOf([...sources, homeDir], signal);
    if (bytes > maxBytes / 2 || files > mostFiles) return 'it is too large';
    const target = join(directory, key);
    const aside = join(directory, `.new-${randomUUID()}`);
    await mkdir(aside, { recursive: true, mode: 0o700 });
    await chmod(directory, 0o700);
    try {
      for (const [at, source] of sources.entries()) await copy(source, join(aside, String(at)), signal);
      await copy(homeDir, join(aside, 'home'), signal);
      const created_at = new Date().toISOString();
      const entry: CacheEntry = { version: 1, id: randomUUID(), created_at, bytes, paths: [...left.paths] };
      await writeFile(join(aside, 'entry.json'), JSON.stringify(entry));
      await settleOnDisk(aside);
      await publish(aside, target, this.isFresh(await readEntry(target)));
    } catch (error) {
      await remove(aside);
      throw error;
    }
    await evict(directory, { maxBytes, maxAgeMs, readEntry, remove });
    return undefined;
  }

  private isFresh(entry: CacheEntry | undefined): entry is CacheEntry {
    return entry !== undefined && Date.now() - Date.parse(entry.created_at) <= this.options.maxAgeMs;
  }
}

/** @param taken what is there is as good: another runner was as quick */
async function publish(aside: string, target: string, taken: boolean): Promise<void> {
  if (!taken) await remove(target);
  try {
    await rename(aside, target);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await remove(aside);
  }
}

async function readEntry(directory: string): Promise<CacheEntry | undefined> {
  try {
    return entrySchema.parse(JSON.parse(await readFile(join(directory, 'entry.json'), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Moved first, so that nobody takes the half of it for the whole. No such path: nothing happens. */
async function remove(path: string): Promise<void> {
  const aside = join(dirname(path), `.old-${randomUUID()}`);
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  // Package managers leave directories that cannot be written, such as Go's module cache.
  await emptyDirectory(aside);
  await rmdir(aside);
}

/** Waits for others, at most until the signal. */
async function unless(signal: AbortSignal, other: Promise<void>): Promise<void> {
  signal.throwIfAborted();
  const over = Promise.withResolvers<never>();
  const stop = () => over.reject(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([other, over.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
