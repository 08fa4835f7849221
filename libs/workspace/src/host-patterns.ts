/**
 * Whether one of the patterns names a host: `host`, `host:port`, `*.domain` (any host below it) or `*`.
 *
 * @param host with `:port` where the address has one; case does not count
 */
export function hostMatches(host: string, patterns: readonly string[]): boolean {
  const full = host.toLowerCase();
  const name = full.replace(/:\d+$/, '');
  return patterns.some((given) => {
    const pattern = given.toLowerCase();
    if (pattern === '*') return true;
    if (pattern.startsWith('*.')) return name.endsWith(pattern.slice(1)) && name.length > pattern.length - 1;
    return pattern === full || pattern === name;
  });
}
