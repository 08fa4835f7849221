import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Askpass {
  /** For GitOptions.credentials: no secret in it, only where git asks. */
  readonly env: Readonly<Record<string, string>>;
  /** Takes script and token off the disk. */
  remove(): Promise<void>;
}

export interface GitCredentials {
  readonly username: string;
  readonly token: string;
  /** `https://host[:port]`: only questions for it are answered, so that a redirect gets nothing. */
  readonly origin?: string;
}

/**
 * Lets git ask for the token: it stands in a file that only the runner's user can read, never in a
 * URL, an argument, the environment or a configuration file.
 *
 * @param directory where a private directory is made for it: it has to be there, outside of any work tree
 */
export async function createAskpass(directory: string, credentials: GitCredentials): Promise<Askpass> {
  const place = join(directory, `askpass-${randomBytes(8).toString('hex')}`);
  // A directory that is gone must not come to be again, least of all with a token in it.
  await mkdir(place, { mode: 0o700 });
  const script = join(place, 'askpass');
  await Promise.all([
    writeFile(join(place, 'username'), credentials.username, { mode: 0o600, flag: 'wx' }),
    writeFile(join(place, 'token'), credentials.token, { mode: 0o600, flag: 'wx' }),
    writeFile(script, scriptFor(credentials.origin), { mode: 0o700, flag: 'wx' }),
  ]);
  return {
    env: { GIT_ASKPASS: script },
    remove: () => rm(place, { recursive: true, force: true }),
  };
}

/** git asks `Username for 'https://host': ` and `Password for 'https://user@host': `. */
function scriptFor(origin: string | undefined): string {
  const host = origin === undefined ? '' : new URL(origin).host.replace(/[^A-Za-z0-9.:[\]-]/g, '');
  const asked = host === '' ? '*' : `*"/${host}'"*|*"@${host}'"*`;
  return [
    '#!/bin/sh',
    `case "$1" in ${asked}) ;; *) exit 1 ;; esac`,
    'here="${0%/*}"',
    'case "$1" in Username*) exec cat "$here/username" ;; *) exec cat "$here/token" ;; esac',
    '',
  ].join('\n');
}
