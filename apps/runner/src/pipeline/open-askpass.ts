import { createAskpass, type Askpass } from '@necrocode/workspace';

/** The user name that forges take for a token. */
const tokenUser = 'x-access-token';

/**
 * Has git answer a repository's question for a password; only for addresses where git asks for one.
 *
 * @param directory where the token lies until `remove`; outside of any work tree
 */
export async function openAskpass(
  url: string,
  directory: string,
  token: string | undefined,
): Promise<Askpass | undefined> {
  if (!token || !/^https?:/i.test(url)) return undefined;
  const { origin } = new URL(url);
  return createAskpass(directory, { username: tokenUser, token, origin });
}
