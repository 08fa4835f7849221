import { createAskpass, hostMatches, type Askpass } from '@necrocode/workspace';

/** The user name that forges take for a token. */
const tokenUser = 'x-access-token';

export interface TokenSettings {
  readonly token: string | undefined;
  /** Patterns of the hosts that may be given the token. */
  readonly tokenHosts: readonly string[];
}

/**
 * Has git answer a repository's question for a password; only for addresses where git asks for one, and only
 * for hosts that the token is meant for.
 *
 * @param directory where the token lies until `remove`; outside of any work tree
 */
export async function openAskpass(
  url: string,
  directory: string,
  { token, tokenHosts }: TokenSettings,
): Promise<Askpass | undefined> {
  if (!token || !/^https?:/i.test(url)) return undefined;
  const { origin, host } = new URL(url);
  if (!hostMatches(host, tokenHosts)) return undefined;
  return createAskpass(directory, { username: tokenUser, token, origin });
}
