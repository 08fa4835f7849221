import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { eventually, tempDir } from '@necrocode/testkit';
import { Git } from './git.js';
import { lookAtRemote } from './remote.js';
import { runProcess } from './run-process.js';
import { createSlotDirectory } from './slot-directory.js';

const env = { PATH: process.env.PATH ?? '' };
let count = 0;

/** For the environment of what a test starts, by which it is found wherever it goes. */
function newMarker(): string {
  return `spec-${process.pid}-${(count += 1)}`;
}

/** Command lines of the processes whose environment holds the marker. */
function marked(marker: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, 'utf8').includes(marker)) return [];
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ')];
      } catch {
        return []; // It has ended meanwhile.
      }
    });
}

describe('runProcess', () => {
  it('[AR-8.4] returns what was written and how it ended', async () => {
    const command = ['sh', '-c', 'cat; echo err >&2; exit 3'];
    const finished = await runProcess(command, ['in', 'put'], { env });
    expect([finished.code, finished.stdout.toString(), finished.stderr.toString()]).toEqual([
      3,
      'input',
      'err\n',
    ]);
  });

  it('[AR-8.4] tells of a program that cannot be started', async () => {
    await expect(runProcess(['no-such-program'], [], { env })).rejects.toThrow(/ENOENT/);
  });

  it('[AR-11.2] ends everything with the signal, also what ignores other signals', async () => {
    const stop = new AbortController();
    const marker = newMarker();
    const command = ['sh', '-c', "trap '' TERM INT HUP; sleep 600 & sleep 600"];
    const options = { env: { ...env, MARKER: marker }, signal: stop.signal };
    const running = runProcess(command, [], options);
    await eventually('both sleep', () =>
      marked(marker).filter((line) => line.startsWith('sleep')).length === 2 ? true : undefined,
    );
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    await eventually('nothing is left', () => (marked(marker).length === 0 ? true : undefined));
  });
});

describe('git', () => {
  it('[AR-11.2] leaves no helper behind that waits for a remote', async () => {
    await using remote = await silentRemote();
    const marker = newMarker();
    const stop = new AbortController();
    const place = await createSlotDirectory({ directory: join(tempDir(), 'slot') });
    const git = new Git(place, { protocols: ['http'], credentials: { MARKER: marker }, signal: stop.signal });
    const looking = lookAtRemote(git, remote.url, { branch: 'b' });
    await remote.asked;
    expect(marked(marker).join()).toContain('git-remote-http');
    stop.abort(new Error('enough'));
    await expect(looking).rejects.toThrow('enough');
    await eventually('nothing is left', () => (marked(marker).length === 0 ? true : undefined));
  });

  it('[AR-11.2] ends with the process that started it, helpers included', async () => {
    await using remote = await silentRemote();
    const marker = newMarker();
    const { gitDir } = await createSlotDirectory({ directory: join(tempDir(), 'slot') });
    const script = join(import.meta.dirname, '../git-config/git-in-group.sh');
    const code = `
      const { spawn } = require('node:child_process');
      spawn('sh', [${JSON.stringify(script)}, '--git-dir=${gitDir}', 'ls-remote', '${remote.url}']);`;
    const options = { env: { ...env, MARKER: marker, GIT_ALLOW_PROTOCOL: 'http' } };
    const parent = spawn(process.execPath, ['--eval', code], options);
    const ended = once(parent, 'exit');
    await remote.asked;
    expect(marked(marker).join()).toContain('git-remote-http');
    parent.kill('SIGKILL');
    await ended;
    await eventually('nothing is left', () => (marked(marker).length === 0 ? true : undefined));
  });
});

/** A remote that takes a request and never answers. */
async function silentRemote(): Promise<{ url: string; asked: Promise<void> } & AsyncDisposable> {
  const asked = Promise.withResolvers<void>();
  const server = createServer(() => asked.resolve());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.git`,
    asked: asked.promise,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
