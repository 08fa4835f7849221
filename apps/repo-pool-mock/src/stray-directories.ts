import type { LeaseBook } from './lease-book.js';
import type { SlotYard } from './slot-yard.js';

/**
 * Directories of slots that are gone. They come back when a process of an attempt that has lost its slot,
 * such as git in a runner that was frozen, goes on writing where the slot was.
 */
export class StrayDirectories {
  private seenBefore: ReadonlySet<string> = new Set();

  constructor(
    private readonly book: Pick<LeaseBook, 'slots'>,
    private readonly yard: Pick<SlotYard, 'ids' | 'discard'>,
    /** Whether a slot is being made that the book does not know yet. */
    private readonly isBeingMade: (slotId: string) => boolean,
  ) {}

  /** Discards what two looks in a row have found in no row. */
  sweep(): void {
    const known = new Set(this.book.slots().map(({ slotId }) => slotId));
    const strays = this.yard.ids().filter((slotId) => !known.has(slotId) && !this.isBeingMade(slotId));
    for (const slotId of strays) {
      if (this.seenBefore.has(slotId)) void this.yard.discard(slotId);
    }
    this.seenBefore = new Set(strays);
  }
}
