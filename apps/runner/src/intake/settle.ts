import type { Settlement } from '@necrocode/messaging';

/** Why a delivery asked for no work: its run has ended or is somebody else's, or it waits for something. */
export type NothingToDo =
  | { readonly kind: 'already_handled'; readonly state: string }
  | { readonly kind: 'parked'; readonly reason: string };

/** How the handling of one delivered message ended. */
export type Handled =
  /** Reported, refused and recorded, parked, or somebody else's: nothing is left to do here. */
  | { readonly kind: 'settled'; readonly because?: NothingToDo }
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
