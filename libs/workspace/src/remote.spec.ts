import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serveGit } from '@necrocode/testkit';
import { createAskpass } from './credentials.js';
import { translateGitError } from './git-errors.js';
import { Git, GitError } from './git.js';
import { pushCommit } from './push.js';
import { fetchCommit, lookAtRemote, tipOfRemote } from './remote.js';
import { SpecRepository } from './spec-repository.js';

let remote: SpecRepository;
let local: SpecRepository;
let url: string;
let commits: string[];
const branch = 'feature/task-s-1';
const absent = '3'.repeat(40);

beforeEach(async () => {
  remote = await SpecRepository.create();
  local = await SpecRepository.create();
  url = remote.git.place.gitDir;
  const trees = ['one', 'two', 'three'].map((content) => [{ path: 'f', content }]);
  commits = await remote.record(trees, 'main');
});
afterEach(async () => {
  await remote[Symbol.asyncDispose]();
  await local[Symbol.asyncDispose]();
});

/** A commit that only the local repository has. */
async function ownCommit(content = 'own'): Promise<string> {
  await fetchCommit(local.git, url, { commit: commits[2] ?? '', branch: 'main' });
  const [commit = ''] = await local.record([[{ path: 'f', content }]], 'own');
  return commit;
}

describe('looking and fetching', () => {
  it('[AR-2.2] finds default branch, base and work branch', async () => {
    await remote.record([[{ path: 'w', content: '' }]], branch);
    const view = await lookAtRemote(local.git, url, { branch });
    expect(view).toEqual({
      defaultBranch: 'main',
      baseBranch: 'main',
      baseCommit: commits[2],
      workCommit: await tipOfRemote(local.git, url, branch),
    });
    const named = await lookAtRemote(local.git, url, { branch: 'none', baseBranch: branch });
    expect(named).toMatchObject({ baseBranch: branch, baseCommit: view.workCommit, workCommit: undefined });
  });

  it('[AR-2.2] brings no more of the history than it is asked for', async () => {
    await fetchCommit(local.git, url, { commit: commits[2] ?? '', branch: 'main', depth: 1 });
    expect(await local.git.run('rev-list', commits[2] ?? '')).toBe(`${commits[2]}\n`);
  });

  it('[AR-2.2] says which branch is missing, [AR-8.5] and that no retry helps', async () => {
    const looking = lookAtRemote(local.git, url, { branch, baseBranch: 'nope' });
    await expect(looking).rejects.toMatchObject({
      code: 'base_branch_missing',
      retryable: false,
      message: /nope/,
    });
    await using empty = await SpecRepository.create();
    const inEmpty = lookAtRemote(local.git, empty.git.place.gitDir, { branch });
    await expect(inEmpty).rejects.toMatchObject({ code: 'base_branch_missing', message: /default branch/ });
  });

  it('[AR-8.1] tells unreachable, absent and forbidden apart', async () => {
    await expect(lookAtRemote(local.git, 'http://127.0.0.1:1/x', { branch })).rejects.toMatchObject({
      code: 'repo_unreachable',
      retryable: true,
      message: /127\.0\.0\.1/,
    });
    const nowhere = join(local.directory, 'nowhere');
    await expect(lookAtRemote(local.git, nowhere, { branch })).rejects.toMatchObject({
      code: 'repo_unreachable',
      retryable: false,
    });
    const narrow = new Git(local.git.place, { protocols: ['https'] });
    await expect(lookAtRemote(narrow, url, { branch })).rejects.toMatchObject({ code: 'repo_not_allowed' });
  });

  it.each([
    ['a page of one line', 'text/html', '<html>sign in</html>'],
    ['a page', 'text/html', '<html>\nsign in\n</html>\n'],
    ['nothing', 'text/plain', ''],
    ['broken words of git', 'application/x-git-upload-pack-advertisement', 'zzzz'],
  ])(
    '[AR-8.2] takes %s in the place of a remote for no remote, which may pass',
    async (_what, type, text) => {
      const server = createServer((_request, response) => response.setHeader('content-type', type).end(text));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const page = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.git`;
      const git = new Git(local.git.place, { protocols: ['http'] });
      const foreign = { code: 'repo_unreachable', retryable: true, reason: 'network' };
      try {
        await expect(lookAtRemote(git, page, { branch })).rejects.toMatchObject(foreign);
        await expect(tipOfRemote(git, page, branch)).rejects.toMatchObject(foreign);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    },
  );

  it('[AR-2.2] knows an empty repository behind http from something else', async () => {
    await using empty = await SpecRepository.create();
    const user = { username: 'u', password: 'p' };
    await using server = await serveGit(empty.git.place.gitDir, user);
    const known = server.url.replace('//', '//u:p@');
    const git = new Git(local.git.place, { protocols: ['http'] });
    const looking = lookAtRemote(git, known, { branch });
    await expect(looking).rejects.toMatchObject({ code: 'base_branch_missing', message: /default branch/ });
    expect(await tipOfRemote(git, known, branch)).toBeUndefined();
  });

  it.each([
    ['network', "fatal: unable to access 'x': Failed to connect to x port 443: Connection refused"],
    ['network', "fatal: unable to access 'x': The requested URL returned error: 503"],
    ['network', 'error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502'],
    ['network', "fatal: unable to access 'x': OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to x"],
    [
      'network',
      'ssh: connect to host x port 22: No route to host\nfatal: Could not read from remote repository.',
    ],
    ['unknown_host', "fatal: unable to access 'x': Could not resolve host: x"],
    [undefined, 'error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413'],
    [undefined, "fatal: unable to access 'x': SSL certificate problem: self-signed certificate"],
    [undefined, 'fatal: Could not read from remote repository.'],
  ])(
    '[AR-8.2] tells by its reason (%s) whether it is the way to the remote that failed (%#)',
    (reason, said) => {
      const error = new GitError('ls-remote', 128, said);
      const looked = translateGitError(error, { action: 'look', url: 'x' });
      expect(looked).toMatchObject({ code: 'repo_unreachable', reason });
      const pushed = translateGitError(error, { action: 'push', url: 'x' });
      expect(pushed).toMatchObject({ code: 'push_failed', reason: reason && 'network' });
    },
  );

  it('[AR-2.3] fetches only what is missing, a commit that its branch has left behind too', async () => {
    const [left = ''] = await remote.record([[{ path: 'left', content: 'behind' }]], 'moved');
    await remote.record([[{ path: 'moved', content: 'on' }]], 'moved');
    expect(await fetchCommit(local.git, url, { commit: left, branch: 'moved' })).toEqual({ fetched: true });
    expect(await fetchCommit(local.git, url, { commit: left, branch: 'moved' })).toEqual({ fetched: false });
    const missing = fetchCommit(local.git, url, { commit: absent, branch: 'moved' });
    await expect(missing).rejects.toMatchObject({ name: 'RunnerError' });
  });
});

describe('pushCommit', () => {
  it('[AR-5.4] creates the branch, and says so when it was there before', async () => {
    const commit = await ownCommit();
    expect(await pushCommit(local.git, url, { commit, branch })).toEqual({ kind: 'pushed' });
    expect(await pushCommit(local.git, url, { commit, branch })).toEqual({ kind: 'already_there' });
    expect(await tipOfRemote(local.git, url, branch)).toBe(commit);
  });

  it('[AR-14.3] leaves a branch alone that holds something else', async () => {
    const commit = await ownCommit();
    const [foreign = ''] = await remote.record([[{ path: 'x', content: 'foreign' }]], branch);
    expect(await pushCommit(local.git, url, { commit, branch })).toEqual({
      kind: 'conflict',
      holds: foreign,
    });
    expect(await pushCommit(local.git, url, { commit, branch, expected: commits[0] })).toEqual({
      kind: 'conflict',
      holds: foreign,
    });
    expect(await tipOfRemote(local.git, url, branch)).toBe(foreign);
    expect(await pushCommit(local.git, url, { commit, branch, expected: foreign })).toEqual({
      kind: 'pushed',
    });
  });

  it('[AR-5.4] says when the expected branch is gone', async () => {
    const commit = await ownCommit();
    const outcome = await pushCommit(local.git, url, { commit, branch, expected: commits[0] });
    expect(outcome).toEqual({ kind: 'conflict', holds: undefined });
  });

  it('[AR-5.5] hands on what the hook of the remote says', async () => {
    const commit = await ownCommit();
    const hooks = join(remote.directory, 'hooks');
    await remote.git.pipe(['config', 'core.hooksPath', hooks]);
    await mkdir(hooks);
    await writeFile(join(hooks, 'pre-receive'), '#!/bin/sh\necho "no commits on fridays" >&2\nexit 1\n', {
      mode: 0o755,
    });
    const outcome = await pushCommit(local.git, url, { commit, branch });
    expect(outcome).toEqual({
      kind: 'rejected_by_remote',
      reason: 'pre-receive hook declined; no commits on fridays',
    });
  });

  it('[AR-8.2] calls a remote that cannot be reached a failed push', async () => {
    const commit = await ownCommit();
    const pushing = pushCommit(local.git, 'http://127.0.0.1:1/x', { commit, branch });
    await expect(pushing).rejects.toMatchObject({ code: 'push_failed', retryable: true });
  });
});

describe('credentials', () => {
  it('[AR-10.1] answers its own server only, [AR-10.3] and is gone from disk afterwards', async () => {
    await using server = await serveGit(url, { username: 'x-access-token', password: 'the-git-token' });
    const place = local.git.place;
    const withToken = async (origin: string, token: string) => {
      const askpass = await createAskpass(local.directory, { username: 'x-access-token', token, origin });
      try {
        const git = new Git(place, { protocols: ['http'], credentials: askpass.env });
        return await lookAtRemote(git, server.url, { branch });
      } finally {
        await askpass.remove();
      }
    };
    expect((await withToken(server.origin, 'the-git-token')).baseCommit).toBe(commits[2]);
    await expect(withToken(server.origin, 'wrong-token')).rejects.toMatchObject({
      code: 'repo_auth_failed',
      retryable: false,
    });
    const asked = server.attempts.length;
    await expect(withToken('https://elsewhere.example', 'the-git-token')).rejects.toMatchObject({
      code: 'repo_auth_failed',
    });
    expect(server.attempts.slice(asked).every((header) => header === undefined)).toBe(true);
    expect(await readdir(local.directory)).toEqual(['slot']);
  });

  it('[AR-10.1] keeps the token in a file that only its owner can read', async () => {
    const askpass = await createAskpass(local.directory, { username: 'u', token: 'the-git-token' });
    const script = askpass.env.GIT_ASKPASS ?? '';
    expect(JSON.stringify(askpass.env)).not.toContain('the-git-token');
    expect(await readFile(script, 'utf8')).not.toContain('the-git-token');
    expect((await stat(join(script, '..', 'token'))).mode & 0o777).toBe(0o600);
    await askpass.remove();
  });
});
