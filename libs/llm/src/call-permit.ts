import { randomUUID } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';

/** The right to make calls that cost money, which may lapse at any moment. */
export interface CallPermit {
  /** Returns once it surely holds. Throws why it never will again. */
  obtain(): Promise<void>;
  holds(): boolean;
}

/** OpenAI notes it with the request; others do not mind it. */
const requestIdHeader = 'x-client-request-id';

const waiting = new Map<string, () => void>();
let watching = false;

/**
 * Watches a call until its first byte is to be sent: setting up a connection takes time, during which the
 * process may have been stopped.
 *
 * @param onLapsed called where the permit does not hold any more at that moment; it has to abort the call, of
 *   which the endpoint then sees nothing
 */
export function watchCall(
  permit: CallPermit,
  onLapsed: () => void,
): Disposable & { readonly headers: Readonly<Record<string, string>> } {
  if (!watching) {
    // Node's fetch tells of it before it writes (undici, docs/api/DiagnosticsChannel).
    subscribe('undici:client:sendHeaders', (message) => {
      const { headers } = message as { headers?: unknown };
      const id = new RegExp(`${requestIdHeader}: (\\S+)`, 'i').exec(String(headers))?.[1];
      if (id !== undefined) waiting.get(id)?.();
    });
    watching = true;
  }
  const id = randomUUID();
  waiting.set(id, () => {
    if (!permit.holds()) onLapsed();
  });
  return { headers: { [requestIdHeader]: id }, [Symbol.dispose]: () => waiting.delete(id) };
}
