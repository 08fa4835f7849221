import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { eventually, serveGit, tempDir } from '@necrocode/testkit';
import { createAskpass } from './credentials.js';
import { Git } from './git.js';
import { lookAtRemote } from './remote.js';
import { createSlotDirectory } from './slot-directory.js';

const token = 'tok-5f1c0a9e7b';
const user = { username: 'x-access-token', password: token };

async function gitWithToken(origin: string, signal?: AbortSignal) {
  const directory = tempDir('token-');
  const slot = await createSlotDirectory({ directory: join(directory, 'slot') });
  const askpass = await createAskpass(directory, { username: user.username, token, origin });
  const git = new Git(slot, { protocols: ['http'], credentials: askpass.env, signal });
  return { git, slot, askpass };
}

/** Where in `/proc` a text stands, of all processes but this one, which holds it. */
function processesHolding(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) =>
      ['cmdline', 'environ'].filter((file) => {
        try {
          return readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(text);
        } catch {
          return false; // It has ended meanwhile.
        }
      }),
    );
}

describe('the token', () => {
  it('[AR-10.1] goes to no other host, not where the own one sends git either', async () => {
    const seen: string[] = [];
    const other = createServer((request, response) => {
      seen.push(`${request.url} ${request.headers.authorization ?? ''}`);
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    for (const status of [301, 302, 303, 307, 308]) {
      const own = createServer((request, response) =>
        response.writeHead(status, { location: `${elsewhere}${request.url}` }).end(),
      ).listen(0, '127.0.0.1');
      await once(own, 'listening');
      const origin = `http://127.0.0.1:${(own.address() as AddressInfo).port}`;
      const { git } = await gitWithToken(origin);
      const looking = lookAtRemote(git, `${origin}/x.git`, { branch: 'b' });
      await expect(looking).rejects.toMatchObject({ code: 'repo_unreachable', retryable: false });
      await new Promise((closed) => own.close(closed));
    }
    await new Promise((closed) => other.close(closed));
    expect(seen).toEqual([]);
  });

  it('[AR-10.1] stands in no argument, environment, file of the slot or message while git uses it', async () => {
    const bare = tempDir('bare-');
    let held = false;
    await using server = await serveGit(bare, user, () => (held = true));
    const stop = new AbortController();
    const { git, slot, askpass } = await gitWithToken(server.origin, stop.signal);
    const looking = lookAtRemote(git, server.url, { branch: 'b' }).catch((error: unknown) => error);
    // From here on git has the token, and waits for an answer.
    await eventually('git with its token', () => (held ? true : undefined), 30_000);
    expect(processesHolding(askpass.env['GIT_ASKPASS'] ?? '-').length).toBeGreaterThan(0);
    expect(processesHolding(token)).toEqual([]);
    const files = readdirSync(join(slot.gitDir, '..'), { recursive: true, withFileTypes: true });
    const holding = files.filter(
      (file) => file.isFile() && readFileSync(join(file.parentPath, file.name), 'latin1').includes(token),
    );
    expect(holding).toEqual([]);
    stop.abort(new Error('enough'));
    expect(inspect(await looking, { depth: 10 })).not.toContain(token);
    await askpass.remove();
  });
});
