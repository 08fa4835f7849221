import type { Settlement } from '@necrocode/messaging';
import { settle, type Handled } from './settle.js';

describe('settle', () => {
  it.each<[Handled, Settlement]>([
    [{ kind: 'settled' }, { kind: 'ack' }],
    [
      { kind: 'refused', reason: 'not JSON' },
      { kind: 'term', reason: 'not JSON' },
    ],
    [
      { kind: 'unsettled', delaySeconds: 5 },
      { kind: 'nak', delayMs: 5_000 },
    ],
    [{ kind: 'newer_schema' }, { kind: 'nak', delayMs: 30_000 }],
  ])('[AR-8.3] %j becomes %j', (handled, settlement) => {
    expect(settle(handled)).toEqual(settlement);
  });
});
