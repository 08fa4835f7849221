import type { PulledMessage } from './pulled-message.js';

/** What is to become of a delivered message. */
export type Settlement =
  /** Done with: the message leaves the stream. Confirmed by the server before it counts. */
  | { readonly kind: 'ack' }
  /** Give it back, to be delivered again after the delay. */
  | { readonly kind: 'nak'; readonly delayMs: number }
  /** Never deliver it again. */
  | { readonly kind: 'term'; readonly reason: string };

const confirmationMs = 5_000;
const confirmationTries = 6;
/** An acknowledgement that nobody confirms is given up after this, and the message comes again. */
export const longestSettlementMs = confirmationMs * confirmationTries;

/**
 * Carries out a settlement. An acknowledgement is asked to be confirmed; when the server stays silent
 * the message comes again, which the registry's claim makes harmless.
 *
 * @returns false when an acknowledgement could not be confirmed
 */
export async function applySettlement(message: PulledMessage, settlement: Settlement): Promise<boolean> {
  switch (settlement.kind) {
    case 'ack':
      return acknowledge(message);
    case 'nak':
      message.nak(settlement.delayMs);
      return true;
    case 'term':
      message.term();
      return true;
  }
}

async function acknowledge(message: PulledMessage): Promise<boolean> {
  for (let attempt = 1; attempt <= confirmationTries; attempt += 1) {
    const confirmed = await message.ackAck(confirmationMs).then(
      () => true,
      () => false,
    );
    if (confirmed) return true;
  }
  return false;
}
