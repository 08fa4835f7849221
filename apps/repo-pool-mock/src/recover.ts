import type { DurableStore } from '@necrocode/rpc';
import type { LeaseBook } from './lease-book.js';
import type { SlotYard } from './slot-yard.js';

/**
 * Makes disk and book agree after a start: leases stay, slots that were ready or being cleaned go (the
 * repository has moved on meanwhile), and so does what only one of the two knows.
 */
export function recover(store: DurableStore, book: LeaseBook, yard: SlotYard): void {
  yard.emptyTrash();
  const onDisk = new Set(yard.ids());
  const kept = new Set<string>();
  store.transaction(() => {
    for (const slot of book.slots()) {
      const usable = slot.state === 'allocated' || slot.state === 'broken';
      if (usable && (onDisk.has(slot.slotId) || !slot.hasDirectory)) {
        kept.add(slot.slotId);
        continue;
      }
      book.removeSlot(slot.slotId);
      if (slot.leaseId !== null && slot.state === 'allocated') book.endLease(slot.leaseId, Date.now());
    }
  });
  for (const slotId of onDisk) {
    if (!kept.has(slotId)) void yard.discard(slotId);
  }
}
