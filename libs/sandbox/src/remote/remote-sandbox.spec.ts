import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { createLogger } from '@necrocode/telemetry';
import { tempDir } from '@necrocode/testkit';
import type { CommandOptions } from '../command.js';
import type { Sandbox, SandboxRoom } from '../create-sandbox.js';
import { connectSandbox } from './remote-sandbox.js';
import { serveSandbox, type SandboxServer } from './serve-sandbox.js';

jest.setTimeout(60_000);

const log = createLogger({ name: 'spec', level: 'silent' });
/** Ids that no account of this machine has; those of two spec files at once must differ. */
const identities = { first: 43_000 + (process.pid % 500) * 8, count: 4 };
const isRoot = process.getuid?.() === 0;

(isRoot ? describe : describe.skip)('a sandbox in another container', () => {
  let directory: string;
  let shared: string;
  let server: SandboxServer;
  let sandbox: Sandbox;
  const umask = process.umask();

  const start = async () => {
    const rooms = join(directory, 'rooms');
    await mkdir(rooms, { recursive: true });
    chmodSync(rooms, 0o711);
    const environment = { PATH: process.env.PATH, OPENAI_API_KEY: 'the-servers-own-secret' };
    const socket = join(directory, 'sandbox.sock');
    const sharedDirectories = [shared];
    server = await serveSandbox({
      socket,
      rooms,
      identities,
      sharedDirectories,
      network: false,
      environment,
      log,
    });
    sandbox = await connectSandbox({ socket, networkSocket: undefined });
  };

  beforeEach(async () => {
    directory = tempDir('sandbox-remote-');
    chmodSync(directory, 0o711);
    shared = join(directory, 'shared');
    await mkdir(shared);
    chmodSync(shared, 0o1777);
    for (
      let parent = join(directory, '..');
      parent.includes('necrocode-test-');
      parent = join(parent, '..')
    ) {
      chmodSync(parent, 0o711);
    }
    await start();
  });
  afterEach(async () => {
    await server.close();
    process.umask(umask);
  });

  const open = async () => {
    const room = await (sandbox.openRoom?.() ?? Promise.reject(new Error('no rooms')));
    const run = (command: string, options: Partial<CommandOptions> = {}) =>
      sandbox.runCommand(command, {
        workTree: join(room.directory, 'tree'),
        network: false,
        timeoutMs: 60_000,
        ...options,
      });
    return { room, run, tree: join(room.directory, 'tree') };
  };
  const close = (room: SandboxRoom) => room[Symbol.asyncDispose]();

  it('[AR-4.3] reports exit code, duration and both streams', async () => {
    const { room, run } = await open();
    const seen: string[] = [];
    const result = await run('echo out; echo err >&2; exit 7', {
      onOutput: (text, stream) => seen.push(`${stream}: ${text}`),
    });
    expect(result).toMatchObject({ exitCode: 7, stdout: 'out\n', stderr: 'err\n', limitHit: null });
    expect(seen.sort()).toEqual(['stderr: err\n', 'stdout: out\n']);
    expect(sandbox.level).toBe('container');
    await close(room);
  });

  it('[AR-9.3] lets runner and commands change what the other made', async () => {
    const { room, run, tree } = await open();
    const { gid } = await stat(tree);
    await writeFile(join(tree, 'a'), 'by the runner');
    await mkdir(join(tree, 'new'));
    const { output, exitCode } = await run(
      'id -u; echo more >> a && mkdir new/deep && echo x > new/deep/b && mkdir -m 0500 locked && touch "$HOME/h"',
      { home: join(room.directory, 'home') },
    );
    expect({ output: output.trim(), exitCode }).toEqual({ output: String(gid), exitCode: 0 });
    expect(await readFile(join(tree, 'a'), 'utf8')).toBe('by the runnermore\n');
    expect((await stat(join(tree, 'locked'))).mode & 0o770).toBe(0o770);
    expect((await stat(join(tree, 'new/deep'))).gid).toBe(gid);
    expect(await readdir(join(room.directory, 'home'))).toEqual(['h']);
    await close(room);
    expect(await readdir(join(directory, 'rooms'))).toEqual([]);
  });

  it('[AR-10.4] keeps tasks from each other, from the server and from its secrets', async () => {
    const [one, two] = [await open(), await open()];
    await one.run('echo secret > file; echo secret > "$TMPDIR/t"');
    const { output } = await two.run(
      `cat ${one.tree}/file; ls ${one.room.directory}; echo x > ${one.tree}/x; ls ${directory}/rooms;
       kill -0 ${process.pid} && echo signalled; cat /proc/${process.pid}/environ && echo read;
       env; id; node -e 'require("net").connect("${directory}/sandbox.sock").on("connect", () => console.log("connected")).on("error", (e) => console.log(e.code))'`,
    );
    expect(output).not.toMatch(/secret|signalled|^read$|connected|the-servers-own/m);
    expect(output).toContain('EACCES');
    expect(output).toMatch(/^CI=1$/m);
    expect(await readdir(one.tree)).toEqual(['file']);
    await Promise.all([close(one.room), close(two.room)]);
  });

  it('[AR-11.2] ends a command at its time-out with all that left its session, and leaves nothing', async () => {
    const { room, run } = await open();
    const marker = `471${process.pid}`;
    const result = await run(
      `(setsid sh -c 'trap "" TERM HUP; sleep ${marker}' &); echo x > ${shared}/left; trap '' TERM; sleep ${marker}`,
      { timeoutMs: 300 },
    );
    expect(result).toMatchObject({ exitCode: null, timedOut: true, limitHit: 'timeout' });
    expect(await processesWith(marker)).toEqual([]);
    expect(await readdir(shared)).toEqual([]);
    expect(await run(`(setsid sleep ${marker} &); echo done`)).toMatchObject({
      exitCode: 0,
      stdout: 'done\n',
    });
    expect(await processesWith(marker)).toEqual([]);
    await close(room);
  });

  it('[AR-11.2] ends a command that is cancelled', async () => {
    const { room, run } = await open();
    const abort = new AbortController();
    const result = await run('echo ready; sleep 600', {
      signal: abort.signal,
      onOutput: () => abort.abort(),
    });
    expect(result).toMatchObject({ exitCode: null, cancelled: true, stdout: 'ready\n' });
    expect(await run('echo never', { signal: AbortSignal.abort() })).toMatchObject({ cancelled: true });
    await close(room);
  });

  it('[AR-11.2] ends the command and removes the room of a runner that is gone', async () => {
    const { room, run } = await open();
    const marker = `472${process.pid}`;
    let told = () => {};
    const started = new Promise<void>((resolve) => (told = resolve));
    const running = run(`echo ready; sleep ${marker}`, { onOutput: () => told() });
    await started;
    await Promise.all([
      server.close(),
      expect(running).rejects.toMatchObject({ code: 'sandbox_unavailable' }),
    ]);
    expect(await processesWith(marker)).toEqual([]);
    expect(await readdir(join(directory, 'rooms'))).toEqual([]);
    await close(room);
  });

  it('[AR-11.4] binds the limits of a task, and names those that are reached', async () => {
    const { room, run } = await open();
    expect(await run('while :; do :; done', { limits: { cpuSeconds: 1 } })).toMatchObject({
      limitHit: 'cpu',
    });
    const every = { memoryMb: 1_000, cpuSeconds: 60, cpus: 2, processes: 50, fileSizeMb: 100 };
    const limits = { ...every, diskMb: 1_000, temporaryMb: 100, openFiles: 1_000, outputBytes: 1_000_000 };
    expect(await run('echo held', { limits })).toMatchObject({ stdout: 'held\n', limitHit: null });
    const forks = await run('for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; wait', {
      limits: { processes: 5 },
      timeoutMs: 30_000,
    });
    expect(forks).toMatchObject({ limitHit: 'processes' });
    const long = await run('head -c 300000 /dev/zero | tr "\\0" x', { outputLimitBytes: 1_000 });
    expect(long).toMatchObject({ limitHit: 'output' });
    expect(long.stdout.length).toBeLessThan(1_100);
    await close(room);
  });

  it('[AR-14.3] lends as many rooms as there are users, and those again that were given back', async () => {
    const rooms = await Promise.all(Array.from({ length: identities.count }, open));
    const owners = await Promise.all(rooms.map(async ({ tree }) => (await stat(tree)).gid));
    expect(new Set(owners).size).toBe(identities.count);
    await expect(open()).rejects.toMatchObject({ code: 'sandbox_unavailable' });
    await close(rooms[0]?.room as SandboxRoom);
    rooms[0] = await open();
    await Promise.all(rooms.map(({ room }) => close(room)));
  });

  it('[AR-9.3] refuses a work tree outside of its rooms', async () => {
    const options = { workTree: '/etc', network: false, timeoutMs: 1_000 };
    await expect(sandbox.runCommand('true', options)).rejects.toMatchObject({ code: 'sandbox_unavailable' });
    const gone = { ...options, workTree: join(directory, 'rooms', '0'.repeat(24), 'tree') };
    await expect(sandbox.runCommand('true', gone)).rejects.toMatchObject({ code: 'workspace_failed' });
  });
});

describe('connecting to a sandbox', () => {
  it('[AR-9.3] says so where no server is, and where something else answers', async () => {
    const directory = tempDir('sandbox-remote-');
    const socket = join(directory, 'none.sock');
    const nobody = connectSandbox({ socket, networkSocket: undefined });
    await expect(nobody).rejects.toMatchObject({ code: 'sandbox_unavailable' });
    const other = createServer((connection) => connection.resume().end('{"kind":"room"}\nnonsense\n'));
    await once(other.listen(socket), 'listening');
    const wrong = connectSandbox({ socket, networkSocket: undefined });
    await expect(wrong).rejects.toMatchObject({ code: 'sandbox_unavailable' });
    await new Promise((resolve) => other.close(resolve));
  });
});

async function processesWith(marker: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(marker));
}
