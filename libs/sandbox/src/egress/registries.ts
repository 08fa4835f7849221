import { readFileSync } from 'node:fs';

/** Where the package managers of the recognised build tools load from when nothing else is said. */
export const usualRegistries: readonly string[] = [
  'registry.npmjs.org',
  'registry.yarnpkg.com',
  'pypi.org',
  'files.pythonhosted.org',
  'index.crates.io',
  'static.crates.io',
  'crates.io',
  'proxy.golang.org',
  'sum.golang.org',
  'repo.maven.apache.org',
  'repo1.maven.org',
  'plugins.gradle.org',
  'plugins-artifacts.gradle.org',
  'services.gradle.org',
  'downloads.gradle.org',
  'rubygems.org',
  'index.rubygems.org',
  'api.nuget.org',
];

/**
 * The hosts, with their ports where these are unusual, of the registries that a machine's own settings
 * name: those that commands with network see.
 */
export function registryHosts(
  environment: NodeJS.ProcessEnv,
  settings = ['/etc/npmrc', '/etc/pip.conf'],
): string[] {
  const texts = [...variables.map((name) => environment[name] ?? ''), ...settings.map(readText)];
  return [...new Set(texts.flatMap(hostsIn))];
}

const variables = ['npm_config_registry', 'PIP_INDEX_URL', 'GOPROXY'];

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\s*[#;].*$/gm, '');
  } catch {
    return '';
  }
}

function hostsIn(text: string): string[] {
  return [...text.matchAll(/https?:\/\/[^\s,|"']+/g)].flatMap(([address]) => {
    if (!URL.canParse(address)) return [];
    const { host, hostname } = new URL(address);
    return [host === '' ? hostname : host];
  });
}
