import type { ClientTls } from './tls-files.js';

/**
 * What stands in the way of a connection where that is TLS: part of a sentence about the server that names
 * the setting; undefined for any other trouble.
 *
 * @param text what Node, OpenSSL or a library said
 * @param setting what the settings begin with, such as NATS_TLS
 */
export function tlsTrouble(text: string, setting: string, tls: ClientTls | undefined): string | undefined {
  // Alerts come from the server and are about this side, so they are looked for first.
  if (/alert certificate required|alert number 116/i.test(text)) return wantsCertificate(setting);
  if (
    /alert (bad certificate|unsupported certificate|certificate (revoked|expired|unknown)|unknown ca)/i.test(
      text,
    )
  )
    return `it does not accept the certificate in ${setting}_CERT`;
  if (/certificate has expired|CERT_HAS_EXPIRED/i.test(text))
    return `its certificate has expired (${setting}_CA makes it be checked)`;
  if (/certificate is not yet valid|CERT_NOT_YET_VALID/i.test(text))
    return `its certificate is not valid yet (${setting}_CA makes it be checked)`;
  if (/altnames|ALTNAME_INVALID/i.test(text))
    return `its certificate is for another host name (${setting}_CA makes it be checked)`;
  if (/self.signed|SELF_SIGNED|unable to (verify|get)|UNABLE_TO_/i.test(text)) {
    return tls
      ? `its certificate does not come from an authority in ${setting}_CA`
      : `its certificate comes from an authority that is not known here: ${setting}_CA names it`;
  }
  if (/wrong version number|server does not support 'tls'/i.test(text))
    return `it does not speak TLS, which ${setting}_CA asks for`;
  return undefined;
}

/** For trouble that may come from a certificate that was refused without a word. */
export function suspectedTlsTrouble(setting: string, tls: ClientTls | undefined): string {
  if (!tls) return `if it speaks TLS, ${setting}_CA has to name its authority`;
  if (!tls.cert) return `it may want a certificate (${setting}_CERT and ${setting}_KEY)`;
  return `it may not accept the certificate in ${setting}_CERT`;
}

function wantsCertificate(setting: string): string {
  return `it wants a certificate (${setting}_CERT and ${setting}_KEY)`;
}
