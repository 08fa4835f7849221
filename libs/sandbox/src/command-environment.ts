/** Environment of a command: starts empty, so a secret of the runner cannot be in it. */
export function commandEnvironment(parts: {
  readonly path: string;
  readonly home: string;
  readonly temporary: string;
  readonly toolchains: Readonly<Record<string, string>>;
  readonly network: Readonly<Record<string, string>>;
  readonly added: Readonly<Record<string, string>>;
}): Record<string, string> {
  return {
    PATH: parts.path,
    HOME: parts.home,
    TMPDIR: parts.temporary,
    LANG: 'C.UTF-8',
    CI: '1',
    ...parts.toolchains,
    ...parts.network,
    ...parts.added,
  };
}

/** What a command with network needs of the host to get out: proxies, certificates, registries. */
export function networkEnvironment(host: NodeJS.ProcessEnv): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of [...certificateVariables, ...addressVariables]) {
    const value = host[name];
    if (value !== undefined && value !== '' && !holdsCredentials(value)) found[name] = value;
  }
  return found;
}

/** Files and directories with certificates that these variables name. */
export function certificatePaths(environment: Readonly<Record<string, string>>): string[] {
  const values = certificateVariables.flatMap((name) => environment[name]?.split(':') ?? []);
  return [...new Set(values.filter((value) => value.startsWith('/')))];
}

const certificateVariables = [
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'CURL_CA_BUNDLE',
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'CARGO_HTTP_CAINFO',
  'GIT_SSL_CAINFO',
  'npm_config_cafile',
];

const addressVariables = [
  ...['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [name, name.toUpperCase()]),
  'npm_config_registry',
  'PIP_INDEX_URL',
  'GOPROXY',
];

/** An address with user information is a secret, so the command does without it. */
function holdsCredentials(value: string): boolean {
  return /\/\/[^/\s]*@/.test(value) || /^[^/\s:@]+:[^/\s@]+@/.test(value);
}
