import { plainGitEnvironment } from '@necrocode/stack';

/** Of the git that the suite itself runs. */
export const gitEnvironment: Readonly<Record<string, string>> = {
  ...plainGitEnvironment,
  PATH: process.env.PATH ?? '/usr/bin:/bin',
};

/** What would lead a stack of the suite to servers or keys of the user: they are to be left in peace. */
const notOurs = ['NATS_URL', 'OPENAI_BASE_URL', 'OPENAI_API_KEY', 'GIT_TOKEN', 'no_proxy', 'NO_PROXY'];

/** To be called once, before anything is started. */
export function forgetUserServers(): void {
  for (const name of notOurs) Reflect.deleteProperty(process.env, name);
}
