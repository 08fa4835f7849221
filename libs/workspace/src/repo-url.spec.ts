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
  ])('[AR-10.2] refuses %j by default', (url) => {
    expect(checkRepoUrl(url, strict)).toEqual({ kind: 'refused', problem: expect.any(String) as string });
  });

  it.each(['http://other/x', 'http://h:9090/x', 'file://host/x', '/srv/../etc', 'file:///a/%2e%2e/%00'])(
    '[AR-10.2] refuses %j even where http and file are allowed',
    (url) => {
      expect(checkRepoUrl(url, open)).toMatchObject({ kind: 'refused' });
    },
  );
});
