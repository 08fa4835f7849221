import { isNativeError } from 'node:util/types';
import { natsTlsSetting, suspectedTlsTrouble, tlsTrouble, type NatsAccess } from '@necrocode/contracts';
import { AuthorizationError, PermissionViolationError, TimeoutError } from '@nats-io/transport-node';

export interface NatsTrouble {
  /** Part of a sentence about the server, in one line. */
  readonly reason: string;
  /** Whether waiting may help. */
  readonly passes: boolean;
}

/** Why there is no connection, in words. */
export function natsTrouble(error: unknown, access: Omit<NatsAccess, 'url'>): NatsTrouble {
  const links = chain(error);
  const text = links.map((link) => `${codeOf(link)} ${link.message}`).join(' ');
  const { tls } = access;
  if (links.some((link) => link instanceof AuthorizationError))
    return { reason: refusal(access), passes: false };
  const trouble = tlsTrouble(text, natsTlsSetting, tls);
  if (trouble) return { reason: trouble, passes: false };
  if (links.some((link) => link instanceof TimeoutError)) {
    // A certificate that is refused shows in no other way: the alert comes after the handshake.
    const suspicion = tls ? `; ${suspectedTlsTrouble(natsTlsSetting, tls)}` : '';
    return { reason: `no answer in time${suspicion}`, passes: true };
  }
  if (/ECONNREFUSED|connection refused/i.test(text)) return { reason: 'connection refused', passes: true };
  if (/ENOTFOUND|EAI_AGAIN|getaddrinfo/i.test(text))
    return { reason: 'the host name is not known', passes: true };
  return { reason: 'the connection broke', passes: true };
}

/** The subject that this user may not use, where that is what an error says. */
export function permissionViolation(error: unknown): PermissionViolationError | undefined {
  return chain(error).find((link) => link instanceof PermissionViolationError);
}

function refusal({ user, creds }: Omit<NatsAccess, 'url'>): string {
  if (creds !== undefined) return 'it does not accept the credentials in NATS_CREDS';
  if (user !== undefined) return 'it does not accept NATS_USER with NATS_PASSWORD';
  return 'it wants a user: NATS_USER and NATS_PASSWORD, NATS_CREDS_FILE, or user and password in NATS_URL';
}

/** An error and its causes. */
function chain(error: unknown): Error[] {
  return isNativeError(error) ? [error, ...chain(error.cause)] : [];
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
}
