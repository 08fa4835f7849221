import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Paths of PEM files, as the settings `<setting>_CA`, `<setting>_CERT` and `<setting>_KEY` name them. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** How a client speaks TLS: PEM text, plain data that a thread can be given. */
export interface ClientTls {
  /** What the settings begin with, such as TASK_REGISTRY_TLS; messages name them. */
  readonly setting: string;
  /** Authorities one of which the server's certificate has to come from. */
  readonly ca: string;
  /** What the client shows of itself, for a server that asks. */
  readonly cert?: string;
  readonly key?: string;
}

/** How a server speaks TLS. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  /** Authorities one of which every client's certificate has to come from; absent: clients show none. */
  readonly ca?: string;
}

export interface TlsProblem {
  readonly file: keyof TlsFiles;
  readonly message: string;
}

export type TlsRead<T> =
  /** Undefined where no file is named: no TLS. */
  | { readonly kind: 'read'; readonly tls: T | undefined }
  | { readonly kind: 'problems'; readonly problems: readonly TlsProblem[] };

/** Reads a client's files. A certificate of its own is optional, the authority is not. */
export function readClientTls(setting: string, files: TlsFiles): TlsRead<ClientTls> {
  const { texts, problems } = readFiles(files);
  if (!files.ca && (files.cert || files.key))
    problems.push({ file: 'ca', message: 'is needed with a certificate: without it TLS is off' });
  if (problems.length > 0) return { kind: 'problems', problems };
  const { ca, cert, key } = texts;
  if (!ca) return { kind: 'read', tls: undefined };
  return { kind: 'read', tls: { setting, ca, ...(cert && key && { cert, key }) } };
}

/** Reads a server's files. Its certificate is needed; with an authority, clients must show theirs. */
export function readServerTls(files: TlsFiles): TlsRead<ServerTls> {
  const { texts, problems } = readFiles(files);
  if (files.ca && !files.cert && !files.key)
    problems.push({ file: 'cert', message: 'is needed with an authority: without it TLS is off' });
  if (problems.length > 0) return { kind: 'problems', problems };
  const { ca, cert, key } = texts;
  if (!cert || !key) return { kind: 'read', tls: undefined };
  return { kind: 'read', tls: { cert, key, ...(ca && { ca }) } };
}

type Texts = Partial<Record<keyof TlsFiles, string | undefined>>;

function readFiles(files: TlsFiles): { texts: Texts; problems: TlsProblem[] } {
  const problems: TlsProblem[] = [];
  const texts: Texts = {};
  for (const file of ['ca', 'cert', 'key'] as const) {
    const path = files[file];
    if (path) texts[file] = readText(path, (message) => problems.push({ file, message }));
  }
  if (files.cert && !files.key) problems.push({ file: 'key', message: 'is needed with a certificate' });
  if (files.key && !files.cert) problems.push({ file: 'cert', message: 'is needed with a key' });
  const { ca, cert, key } = texts;
  if (ca !== undefined && certificatesIn(ca).length === 0)
    problems.push({ file: 'ca', message: noCertificate });
  const privateKey = key === undefined ? undefined : keyIn(key);
  if (key !== undefined && !privateKey) problems.push({ file: 'key', message: noKey });
  if (cert !== undefined) problems.push(...checkOwn(certificatesIn(cert)[0], privateKey));
  return { texts, problems };
}

function readText(path: string, complain: (message: string) => void): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    complain(`the file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown reason'})`);
    return undefined;
  }
}

const noCertificate = 'the file holds no certificate in PEM form';
const noKey = 'the file holds no private key in PEM form without a passphrase';

/** Certificates in PEM text, none where one of them cannot be read. */
function certificatesIn(text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return [];
  }
}

function keyIn(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text);
  } catch {
    return undefined;
  }
}

/** What would only be noticed by the other side, which tells little. */
function checkOwn(own: X509Certificate | undefined, key: KeyObject | undefined): TlsProblem[] {
  if (!own) return [{ file: 'cert', message: noCertificate }];
  const now = Date.now();
  if (Date.parse(own.validTo) < now) return [{ file: 'cert', message: 'the certificate has expired' }];
  if (Date.parse(own.validFrom) > now) return [{ file: 'cert', message: 'the certificate is not valid yet' }];
  if (key && !own.checkPrivateKey(key))
    return [{ file: 'key', message: 'the key does not belong to the certificate' }];
  return [];
}
