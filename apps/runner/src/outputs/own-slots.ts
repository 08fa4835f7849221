import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { repoPool } from '@necrocode/contracts';
import type { Sandbox, SandboxRoom } from '@necrocode/sandbox';
import { createSlotDirectory } from '@necrocode/workspace';
import type { Slot } from '../pipeline/ports.js';

/** Directories that the runner makes where the pool lives on another host and only counts. */
export interface SeedDirectories {
  make(seed: repoPool.Seed, leaseId: string): Promise<Pick<Slot, 'workTree' | 'gitDir' | 'commit'>>;
  /** No directory of this lease: nothing happens. */
  remove(leaseId: string): Promise<void>;
}

/**
 * Slots on the runner's own disk, `<directory>/<lease>`. Where the sandbox has rooms, work tree and HOME
 * lie in one, and what is the runner's alone (git dir, credentials) stays here, out of the commands' reach.
 */
export class OwnSlots implements SeedDirectories {
  private readonly rooms = new Map<string, SandboxRoom>();

  constructor(
    private readonly directory: string,
    private readonly sandbox: Pick<Sandbox, 'openRoom'>,
  ) {}

  async make(_seed: repoPool.Seed, leaseId: string): Promise<Pick<Slot, 'workTree' | 'gitDir' | 'commit'>> {
    const room = await this.sandbox.openRoom?.();
    if (room) this.rooms.set(leaseId, room);
    try {
      const directory = join(this.directory, leaseId);
      return await createSlotDirectory({
        directory,
        ...(room && { workTree: join(room.directory, 'tree') }),
      });
    } catch (error) {
      await this.remove(leaseId);
      throw error;
    }
  }

  async remove(leaseId: string): Promise<void> {
    const room = this.rooms.get(leaseId);
    this.rooms.delete(leaseId);
    await room?.[Symbol.asyncDispose]();
    await rm(join(this.directory, leaseId), { recursive: true, force: true });
  }

  /** Deletes what a runner left here that was killed. */
  async clear(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}
