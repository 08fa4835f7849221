import { createHash } from 'node:crypto';
import { headers as names } from '@necrocode/contracts';
import type { NatsConnection } from '@nats-io/transport-node';

/** What a server takes that has not told yet. */
const usualPayload = 1_048_576;

/** Bytes that the body of a message may have beside these headers, by what the server said at the connect. */
export function roomBeside(named: Readonly<Record<string, string>>, connection: NatsConnection): number {
  let used = Buffer.byteLength('NATS/1.0\r\n\r\n');
  for (const [name, value] of Object.entries(named)) used += Buffer.byteLength(`${name}: ${value}\r\n`);
  return (connection.info?.max_payload ?? usualPayload) - used;
}

/** For the two headers that `fitLetter` may add. */
const markBytes = 160;

export interface FittedLetter {
  readonly body: Uint8Array;
  /** Beside those that the letter has. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The bytes of a dead letter; of those that have no room the first, and headers that tell of the rest. */
export function fitLetter(original: Uint8Array, room: number): FittedLetter {
  if (original.length <= room) return { body: original, headers: {} };
  return {
    body: original.subarray(0, Math.max(0, room - markBytes)),
    headers: {
      [names.deadOriginalBytes]: String(original.length),
      [names.deadOriginalSha256]: createHash('sha256').update(original).digest('hex'),
    },
  };
}
