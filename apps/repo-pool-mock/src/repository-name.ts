import { pathToFileURL } from 'node:url';

/**
 * One spelling per repository, which is its name here: an absolute path becomes a file URL; scheme and
 * host in lower case, default ports and trailing slashes gone. What is not a URL (`git@host:path`)
 * stays as it is.
 */
export function repositoryName(repoUrl: string): string {
  if (repoUrl.startsWith('/')) return trimSlashes(pathToFileURL(repoUrl).href);
  return trimSlashes(URL.canParse(repoUrl) && repoUrl.includes('://') ? new URL(repoUrl).href : repoUrl);
}

function trimSlashes(text: string): string {
  return text.replace(/(?<=[^/:])\/+$/, '');
}
