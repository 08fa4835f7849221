import { setTimeout as pause } from 'node:timers/promises';
import type { PulledMessage } from './pulled-message.js';

/** What is to become of a delivered message. */
export type Settlement =
  /** Done with: the message leaves the stream. Confirmed by the server before it counts. */
  | { readonly kind: 'ack' }
  /** Give it back, to be delivered again after the delay. */
  | { readonly kind: 'nak'; readonly delayMs: number }
  /** Never deliver it again. */
  | { readonly kind: 'term'; readonly reason: string };

/** For one confirmation. */
const confirmationMs = 5_000;
/** Between tries: NATS may refuse at once for as long as it is away. */
const pauseMs = { first: 100, last: 4_000 };

/**
 * Carries out a settlement. An acknowledgement is asked to be confirmed, and again until it is; when the
 * server stays silent for `withinMs` the message comes again, which the registry's claim makes harmless.
 *
 * @returns false when an acknowledgement could not be confirmed
 */
export async function applySettlement(
  message: PulledMessage,
  settlement: Settlement,
  withinMs: number,
): Promise<boolean> {
  switch (settlement.kind) {
    case 'ack':
      return acknowledge(message, withinMs);
    case 'nak':
      message.nak(settlement.delayMs);
      return true;
    case 'term':
      message.term();
      return true;
  }
}

async function acknowledge(message: PulledMessage, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs;
  for (let wait = pauseMs.first; ; wait = Math.min(wait * 2, pauseMs.last)) {
    const confirmed = await message.ackAck(Math.min(confirmationMs, withinMs)).then(
      () => true,
      () => false,
    );
    if (confirmed) return true;
    if (performance.now() + wait > end) return false;
    await pause(wait);
  }
}
