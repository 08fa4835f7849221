import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@necrocode/telemetry';
import { createSlotDirectory, emptyDirectory, type SlotDirectory } from '@necrocode/workspace';
import type { MirrorState } from './mirror.js';

/** The directories of all slots: `<dataDir>/slots/<slot-id>/{tree,git}`, and the way out, `<dataDir>/trash`. */
export class SlotYard {
  private readonly slots: string;
  private readonly trash: string;
  private readonly removals = new Set<Promise<void>>();
  private discarded = 0;

  constructor(
    dataDir: string,
    private readonly log: Logger,
  ) {
    this.slots = join(dataDir, 'slots');
    this.trash = join(dataDir, 'trash');
    mkdirSync(this.slots, { recursive: true });
    mkdirSync(this.trash, { recursive: true });
  }

  /** Ids of the slots that have a directory. */
  ids(): string[] {
    return readdirSync(this.slots);
  }

  placeOf(slotId: string): Pick<SlotDirectory, 'workTree' | 'gitDir'> {
    const directory = join(this.slots, slotId);
    return { workTree: join(directory, 'tree'), gitDir: join(directory, 'git') };
  }

  /** @throws RunnerError or GitError of createSlotDirectory, with nothing left behind */
  async make(slotId: string, mirror: MirrorState, signal: AbortSignal): Promise<SlotDirectory> {
    try {
      return await createSlotDirectory({
        directory: join(this.slots, slotId),
        borrowFrom: mirror.gitDir,
        commit: mirror.tip,
        signal,
      });
    } catch (error) {
      void this.discard(slotId);
      throw error;
    }
  }

  /**
   * Takes the directory away at once and deletes its files in the background. Resolves when they are
   * gone; never rejects.
   */
  discard(slotId: string): Promise<void> {
    // A name of its own, since the trash may hold what could not be deleted.
    const grave = join(this.trash, `${slotId}-${process.pid}-${(this.discarded += 1)}`);
    try {
      renameSync(join(this.slots, slotId), grave);
    } catch {
      return Promise.resolve(); // there is none
    }
    return this.delete(grave);
  }

  /** Deletes what an earlier process had discarded. */
  emptyTrash(): void {
    for (const name of readdirSync(this.trash)) void this.delete(join(this.trash, name));
  }

  /** Waits for the deletions under way. */
  async settled(): Promise<void> {
    await Promise.all(this.removals);
  }

  private delete(path: string): Promise<void> {
    const removal = deleteTree(path)
      .catch((error: unknown) => this.log.warn({ path, error }, 'slot directory could not be deleted'))
      .finally(() => this.removals.delete(removal));
    this.removals.add(removal);
    return removal;
  }
}

async function deleteTree(path: string): Promise<void> {
  try {
    // Again, since a git that outlived a killed pool may still be writing there.
    await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  } catch {
    // Commands leave directories that may not be written (the module cache of Go, for one), and repositories
    // hold trees deeper than a path can be.
    await emptyDirectory(path);
    await rm(path, { recursive: true, force: true });
  }
}
