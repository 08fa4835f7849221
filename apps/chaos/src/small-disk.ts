import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const piece = Buffer.alloc(64 * 1024);

/** A small file system that can be filled to the last byte. */
export class SmallDisk {
  private wanted = 0;
  private readonly ballast: string;

  /** @param folder its mount point */
  constructor(folder: string) {
    this.ballast = join(folder, 'ballast');
  }

  fill(): void {
    this.wanted += 1;
    const file = openSync(this.ballast, 'a');
    try {
      // The last bytes one by one, as long as there is room for any.
      for (let size = piece.length; size > 0; size = Math.floor(size / 16)) this.fillWith(file, size);
    } finally {
      closeSync(file);
    }
  }

  empty(): void {
    this.wanted -= 1;
    if (this.wanted === 0) rmSync(this.ballast, { force: true });
  }

  private fillWith(file: number, size: number): void {
    try {
      while (writeSync(file, piece, 0, size) > 0);
    } catch (error) {
      if (!isFull(error)) throw error;
    }
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOSPC';
}
