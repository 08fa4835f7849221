import { headers as names } from '@necrocode/contracts';
import type { MsgHdrs } from '@nats-io/transport-node';

/** Of all of them together. */
const mostBytes = 4_096;

/**
 * The headers of a message that are its publisher's own, the first value of each: they come along wherever the
 * message goes. Those of NATS and of this system are not, nor is the trace, which is kept apart.
 */
export function keptHeaders(carried: MsgHdrs | undefined): Record<string, string> {
  const kept: Record<string, string> = {};
  let used = 0;
  for (const name of carried?.keys() ?? []) {
    if (/^(nats|necrocode)-/i.test(name) || name.toLowerCase() === names.traceparent) continue;
    const value = carried?.get(name) ?? '';
    used += Buffer.byteLength(name) + Buffer.byteLength(value);
    if (used > mostBytes) break;
    kept[name] = value;
  }
  return kept;
}
