import { repositoryName } from './repository-name.js';

describe('repositoryName', () => {
  it.each([
    ['/srv/git/x', 'file:///srv/git/x'],
    ['file:///srv/git/x/', 'file:///srv/git/x'],
    ['HTTPS://Example.ORG:443/a/B.git/', 'https://example.org/a/B.git'],
    ['ssh://git@example.org/x.git', 'ssh://git@example.org/x.git'],
    ['git@example.org:a/x.git', 'git@example.org:a/x.git'],
    ['file:///srv/git/x//', 'file:///srv/git/x'],
  ])('[AR-15.2] names %s one way', (url, name) => {
    expect(repositoryName(url)).toBe(name);
  });
});
