import { readFileSync } from 'node:fs';
import { readClientTls, type ClientTls } from './tls-files.js';

/** Where NATS is, and as whom one comes: plain data. */
export interface NatsAccess {
  /** `nats://host:port`, also with `user:password@`; several separated by commas. */
  readonly url: string;
  /** Outranks the user in the URL. */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Text of a credentials file, as nsc writes it. */
  readonly creds?: string | undefined;
  /** Where replies come to; for a user `_INBOX.<user>` unless given, else `_INBOX`. */
  readonly inboxPrefix?: string | undefined;
  readonly tls?: ClientTls | undefined;
}

export interface NatsRead {
  /** To be used only without problems. */
  readonly access: NatsAccess;
  /** By the names of the variables, without values. */
  readonly problems: readonly string[];
}

/** What the settings about TLS to NATS begin with. */
export const natsTlsSetting = 'NATS_TLS';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads everything but the address: NATS_USER, NATS_PASSWORD, NATS_CREDS (the last two also as `…_FILE`),
 * NATS_INBOX_PREFIX and the files NATS_TLS_CA, NATS_TLS_CERT, NATS_TLS_KEY.
 */
export function readNatsAccess(url: string, environment: Environment): NatsRead {
  const problems: string[] = [];
  const secret = (name: string) => readSecret(name, environment, problems);
  const read = readClientTls(natsTlsSetting, {
    ca: environment['NATS_TLS_CA'],
    cert: environment['NATS_TLS_CERT'],
    key: environment['NATS_TLS_KEY'],
  });
  if (read.kind === 'problems')
    problems.push(...read.problems.map(({ file, message }) => `NATS_TLS_${file.toUpperCase()}: ${message}`));
  const access: NatsAccess = {
    url,
    user: environment['NATS_USER'] || undefined,
    password: secret('NATS_PASSWORD'),
    creds: secret('NATS_CREDS'),
    inboxPrefix: environment['NATS_INBOX_PREFIX'] || undefined,
    tls: read.kind === 'read' ? read.tls : undefined,
  };
  problems.push(...natsAccessProblems(access));
  return { access, problems };
}

/** What is wrong with an access that was put together, by the name of its variable. */
export function natsAccessProblems({ url, creds, inboxPrefix }: NatsAccess): string[] {
  return [
    ...(natsServersOf(url).some(({ address }) => address === undefined)
      ? ['NATS_URL: must be nats://host:port, several separated by commas']
      : []),
    ...(creds !== undefined && seedIn(creds) === undefined
      ? ['NATS_CREDS: must be the text of a NATS credentials file']
      : []),
    ...(inboxPrefix !== undefined && !/^[\w-]+(\.[\w-]+)*$/.test(inboxPrefix)
      ? ['NATS_INBOX_PREFIX: must be tokens of letters, digits, _ and -, joined by dots']
      : []),
  ];
}

/** The secrets in an access, for masks. */
export function natsSecrets(access: Pick<NatsAccess, 'url' | 'password' | 'creds'>): string[] {
  const named = natsServersOf(access.url).flatMap(({ password }) => (password ? [password] : []));
  const seed = access.creds === undefined ? undefined : seedIn(access.creds);
  return [...named, ...(access.password ? [access.password] : []), ...(seed ? [seed] : [])];
}

/** The URL as it may be shown: without users and passwords. */
export function shownNatsUrl(url: string): string {
  return url.replace(/[^/,\s]*@/g, '');
}

export interface NatsServerAddress {
  /** `host:port`; undefined where the text is no address. */
  readonly address: string | undefined;
  /** IP address or host name. */
  readonly host: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

/** The servers in a list of URLs. */
export function natsServersOf(urls: string): NatsServerAddress[] {
  return urls.split(',').map((text) => {
    // A scheme that URL knows, so that the parts are told apart; the port is given, or NATS's own.
    const url = URL.parse(`http://${text.trim().replace(/^[a-z]+:\/\//i, '')}`);
    if (!url?.hostname) return { address: undefined, host: '', user: undefined, password: undefined };
    const part = (value: string) => (value === '' ? undefined : decodePart(value));
    const port = /:(\d+)\/?$/.exec(text)?.[1] ?? '4222';
    return {
      address: `${url.hostname}:${port}`,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      user: part(url.username),
      password: part(url.password),
    };
  });
}

function decodePart(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function seedIn(creds: string): string | undefined {
  return /-{3,}BEGIN USER NKEY SEED-{3,}\s+(\S+)\s+-{3,}END/.exec(creds)?.[1];
}

function readSecret(name: string, environment: Environment, problems: string[]): string | undefined {
  const file = environment[`${name}_FILE`];
  if (environment[name] || !file) return environment[name] || undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    problems.push(`${name}_FILE: the file cannot be read`);
    return undefined;
  }
}
