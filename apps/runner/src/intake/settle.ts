import type { Settlement } from '@necrocode/messaging';

/** How the handling of one delivered message ended. */
export type Handled =
  /** Reported, refused and recorded, parked, or somebody else's: nothing is left to do here. */
  | { readonly kind: 'settled' }
  /** Never to be delivered again; the dead letter is written. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The registry could not be told: the message has to come again. */
  | { readonly kind: 'unsettled'; readonly delaySeconds: number }
  /** Written for a newer runner. */
  | { readonly kind: 'newer_schema' };

const newerSchemaDelayMs = 30_000;

/** What becomes of the message. The only place that decides it. */
export function settle(handled: Handled): Settlement {
  switch (handled.kind) {
    case 'settled':
      return { kind: 'ack' };
    case 'refused':
      return { kind: 'term', reason: handled.reason };
    case 'unsettled':
      return { kind: 'nak', delayMs: handled.delaySeconds * 1000 };
    case 'newer_schema':
      return { kind: 'nak', delayMs: newerSchemaDelayMs };
  }
}
