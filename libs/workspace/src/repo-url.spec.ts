import { checkRepoUrl } from './repo-url.js';

const strict = { protocols: ['https', 'ssh'], httpHosts: [] };
const open = { protocols: ['https', 'ssh', 'file'], httpHosts: ['git.local', 'h:8080'] };

describe('checkRepoUrl', () => {
  it.each([
    ['https://example.org/x.git', 'https', 'https://example.org/x.git'],
    ['ssh://git@example.org:22/x', 'ssh', 'ssh://git@example.org:22/x'],
    ['git@example.org:team/x.git', 'ssh', 'git@example.org:team/x.git'],
    ['http://git.local:3000/x', 'http', 'http://git.local:3000/x'],
    ['http://h:8080/x', 'http', 'http://h:8080/x'],
    ['file:///srv/a%20b.git', 'file', '/srv/a b.git'],
    ['/srv/x.git', 'file', '/srv/x.git'],
  ])('[AR-10.2] allows %s where configuration does', (url, protocol, given) => {
    expect(checkRepoUrl(url, open)).toEqual({ kind: 'allowed', url: given, protocols: [protocol] });
  });

  it.each([
    'http://example.org/x',
    'file:///srv/x.git',
    '/srv/x.git',
    'git://example.org/x',
    'ftp://example.org/x',
    'ext::sh -c id',
    'ext::sh',
    'fd::17',
    '-oProxyCommand=x',
    '../x',
    'x',
    '',
    'https://',
    'https:///x',
    'https://user:token@example.org/x',
    'https://token@example.org/x',
    'https://example.org/a b',
    'https://good.org\\@evil.org/x',
    'git@example.org:-x',
    '-oProxyCommand=id@example.org:x',
    'ssh://-oProxyCommand=id/x',
    'ssh://-oProxyCommand=id@example.org/x',
    'ssh://%2doProxyCommand=id/x',
    'ssh://git@-oProxyCommand=id/x',
    'ssh://git@example.org:-oProxyCommand=id/x',
    'ssh://git:password@example.org/x',
    'ssh://example.org',
    'ssh:///x',
    'HTTPS+ext://example.org/x',
    'remote-ext::x',
    'C:/x',
  ])('[AR-10.2] refuses %j by default', (url) => {
    expect(checkRepoUrl(url, strict)).toEqual({ kind: 'refused', problem: expect.any(String) as string });
  });

  it.each([
    ['https://git.example.org/x', ['git.example.org'], true],
    ['https://GIT.example.org/x', ['git.example.org'], true],
    ['https://git.example.org:8443/x', ['git.example.org:8443'], true],
    ['https://git.example.org:8443/x', ['git.example.org'], true],
    ['https://git.example.org/x', ['*.example.org'], true],
    ['ssh://git@git.example.org:22/x', ['git.example.org'], true],
    ['git@git.example.org:x', ['*'], true],
    ['https://git.example.org/x', [], false],
    ['https://git.example.org:1/x', ['git.example.org:8443'], false],
    ['https://example.org/x', ['*.example.org'], false],
    ['https://evilexample.org/x', ['*.example.org'], false],
    ['https://example.org.evil.org/x', ['example.org', '*.example.org'], false],
    ['https://example.org@evil.org/x', ['example.org'], false],
    ['https://evil.org/example.org', ['example.org'], false],
    ['https://evil.org#@example.org/', ['example.org'], false],
    ['https://evil.org?@example.org/', ['example.org'], false],
    ['git@evil.org:x', ['example.org'], false],
    ['ssh://evil.org/x', ['example.org'], false],
  ])('[AR-10.2] judges the host of %s by %j', (url, hosts, allowed) => {
    expect(checkRepoUrl(url, { ...strict, hosts }).kind).toBe(allowed ? 'allowed' : 'refused');
  });

  it.each(['http://other/x', 'http://h:9090/x', 'file://host/x', '/srv/../etc', 'file:///a/%2e%2e/%00'])(
    '[AR-10.2] refuses %j even where http and file are allowed',
    (url) => {
      expect(checkRepoUrl(url, open)).toMatchObject({ kind: 'refused' });
    },
  );
});
