import { networkEnvironment } from '../command-environment.js';
import { readHostPattern } from './host-pattern.js';
import { egressAddress } from './open-egress.js';

/**
 * Environment of a command whose only way out is the runner's proxy. The host's certificates and registries
 * stay, its own proxies do not: the runner's proxy asks them where that is needed.
 *
 * @param hosts the list of hosts; what it names of loopback is reached through the proxy, the rest of
 *   loopback is the command's own
 */
export function confinedNetworkEnvironment(
  host: NodeJS.ProcessEnv,
  hosts: readonly string[],
): Record<string, string> {
  const kept = Object.entries(networkEnvironment(host)).filter(([name]) => !/_proxy$/i.test(name));
  const outside = new Set(hosts.map((text) => readHostPattern(text)?.host));
  const own = ['localhost', '127.0.0.1', '::1'].filter((name) => !outside.has(name));
  const through = Object.fromEntries(proxyVariables.map((name) => [name, egressAddress]));
  const around = Object.fromEntries(exceptionVariables.map((name) => [name, own.join(',')]));
  return {
    ...Object.fromEntries(kept),
    ...through,
    ...around,
    NODE_USE_ENV_PROXY: '1',
    JAVA_TOOL_OPTIONS: javaProperties(own),
  };
}

const proxyVariables = [
  ...['http_proxy', 'https_proxy', 'all_proxy'].flatMap((name) => [name, name.toUpperCase()]),
  'npm_config_proxy',
  'npm_config_https_proxy',
  'YARN_HTTP_PROXY',
  'YARN_HTTPS_PROXY',
];
const exceptionVariables = ['no_proxy', 'NO_PROXY', 'npm_config_noproxy'];

/** Java looks at no variable of these. */
function javaProperties(own: readonly string[]): string {
  const { hostname, port } = new URL(egressAddress);
  const proxies = ['http', 'https'].flatMap((scheme) => [
    `-D${scheme}.proxyHost=${hostname}`,
    `-D${scheme}.proxyPort=${port}`,
  ]);
  return [...proxies, `-Dhttp.nonProxyHosts=${own.join('|')}`].join(' ');
}
