import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, tempDir } from '@necrocode/testkit';
import type { CommandLimits, CommandOptions } from '../command.js';
import type { Sandbox } from '../create-sandbox.js';
import { hold, hostileLimits } from './hostile-limits.js';
import { processesWith } from './processes-with.js';
import { secret } from './sandbox-contract.js';

/** Small enough for the machine that tests, and every hostile command is bounded by itself as well. */
const limits: CommandLimits = {
  memoryMb: 300,
  cpuSeconds: 20,
  processes: 120,
  fileSizeMb: 200,
  diskMb: 100,
  temporaryMb: 40,
  openFiles: 256,
  outputBytes: 20_000_000,
};

/** What a sandbox that confines (level `full`, `container`) does with commands that mean harm. */
export function hostileCommandsContract(name: string, open: () => Promise<Sandbox>): void {
  describe(`hostile commands in ${name}`, () => {
    let sandbox: Sandbox;
    let directory: string;
    let workTree: string;
    let marker: string;

    beforeEach(async () => {
      sandbox = await open();
      directory = tempDir('hostile-');
      workTree = join(directory, 'slot', 'tree');
      await mkdir(workTree, { recursive: true });
      marker = `mark-${directory.slice(-6)}-${Math.random().toString(36).slice(2)}`;
    });
    // Whatever a test was about: what its commands started is gone.
    afterEach(async () => expect(await processesWith(marker)).toEqual([]));
    // Directories that their owner has closed could not be removed.
    afterEach(() => promisify(execFile)('chmod', ['-R', 'u+rwX', directory]));

    const run = (command: string, options: Partial<CommandOptions> = {}) =>
      sandbox.runCommand(command, {
        workTree,
        network: false,
        timeoutMs: 60_000,
        limits,
        env: { MARKER: marker },
        ...options,
      });

    it('[AR-10.4] reach no network, no loopback and no socket', async () => {
      await using servers = new AsyncDisposableStack();
      const listen = async (where: string | { port: number; host: string }) => {
        const server: Server = createServer((socket) => socket.end('reached'));
        servers.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
        await once(server.listen(where), 'listening');
        return server.address() as AddressInfo;
      };
      const { port } = await listen({ port: 0, host: '127.0.0.1' });
      const abstract = `\0necrocode-${marker}`;
      const inRun = await lstat('/run').then(() =>
        process.getuid?.() === 0 ? `/run/${marker}.sock` : undefined,
      );
      const paths = [join(directory, 'socket'), abstract, ...(inRun === undefined ? [] : [inRun])];
      for (const path of paths) await listen(path);
      const targets = [
        { host: '127.0.0.1', port },
        { host: '::1', port },
        { host: '169.254.169.254', port: 80 },
        { host: '192.0.2.1', port: 443 },
        ...paths.map((path) => ({ path })),
      ];
      const script = `
        for (const target of ${JSON.stringify(targets)}) {
          const socket = require('net').connect(target);
          socket.on('data', (text) => console.log(String(text), JSON.stringify(target)));
          socket.on('error', (error) => console.log(error.code));
        }
        require('dns').lookup('example.com', (error) => console.log(error?.code ?? 'resolved'));`;
      await writeFile(join(workTree, 'reach.js'), script);
      const { output } = await run('node reach.js; ls -A /run; cat /proc/net/unix | tail -n +2');
      expect(output).not.toMatch(/reached|resolved|mark-/);
      expect(output.trim().split('\n')).toHaveLength(targets.length + 1);
    });

    it('[AR-10.1] read no token, no key and no environment of another process', async () => {
      const token = join(directory, 'token');
      await writeFile(token, `${secret}\n`, { mode: 0o644 });
      const bystander = spawn('sleep', ['600'], { env: { OPENAI_API_KEY: secret, PATH: process.env.PATH } });
      try {
        await once(bystander, 'spawn');
        const places = `${token} /proc/${process.pid}/environ /proc/${bystander.pid}/environ /proc/*/environ /proc/*/root${token} /proc/1/root${token}`;
        const { output } = await run(
          `env; cat ${places} /etc/shadow /root/.ssh/* /root/.npmrc; ls /root /home/* /proc/*/cwd/ ..; kill -9 -1; kill -9 ${process.pid} ${bystander.pid}`,
        );
        expect(output).not.toContain(secret);
        expect(output).not.toMatch(/^root:[^x]/m);
        expect({ code: bystander.exitCode, signal: bystander.signalCode }).toEqual({
          code: null,
          signal: null,
        });
      } finally {
        bystander.kill('SIGKILL');
        await once(bystander, 'exit');
      }
    });

    it('[AR-14.2] see nothing of another slot, and share no memory with its commands', async () => {
      const other = join(directory, 'other', 'tree');
      await mkdir(other, { recursive: true });
      const held = `echo ${secret} > ${other}/file; echo ${secret} | tee /tmp/file /dev/shm/file "$HOME/file" > /dev/null; touch ready; sleep 600`;
      const abort = new AbortController();
      const otherRun = sandbox.runCommand(held, {
        workTree: other,
        network: false,
        timeoutMs: 60_000,
        signal: abort.signal,
        env: { MARKER: marker },
      });
      try {
        await eventually('the other command holds its secret', async () =>
          (await readdir(other)).includes('ready') ? true : undefined,
        );
        // Otherwise the check after each test would see nothing.
        expect(await processesWith(marker)).not.toEqual([]);
        const { output } = await run(
          `cat ${other}/file /tmp/file /dev/shm/file "$HOME/file" /proc/*/root/tmp/file; ls ${other} ../../other; ps ax; cat /proc/*/cmdline`,
        );
        expect(output).not.toContain(secret);
        expect(output).not.toContain('sleep');
      } finally {
        abort.abort();
        await otherRun;
      }
    });

    it('[AR-10.4] write nothing outside, through links neither, and change no setting of the system', async () => {
      const outside = join(directory, 'outside');
      await mkdir(outside, { mode: 0o777 });
      await symlink(outside, join(workTree, 'link'));
      const before = await readFile('/proc/sys/kernel/core_pattern', 'utf8');
      const tries = `${outside} link .. / /usr /usr/bin /etc /run /dev /proc /proc/sys/kernel /sys /sys/fs/cgroup /var /home`;
      const { output } = await run(
        `for d in ${tries}; do echo x > $d/planted && echo "wrote $d"; done; echo x > /proc/sys/kernel/core_pattern && echo wrote setting; echo x > /proc/sysrq-trigger && echo wrote trigger; mount -t tmpfs none /mnt && echo mounted; mount -o remount,rw / && echo remounted; mknod disk b 8 0 && echo made; ls -A ..`,
      );
      expect(output).not.toMatch(/^(wrote|mounted|remounted|made)/m);
      expect(await readdir(outside)).toEqual([]);
      expect(await readFile('/proc/sys/kernel/core_pattern', 'utf8')).toBe(before);
    });

    it('[AR-10.2] have no rights: an ordinary user without capabilities, here and on the host', async () => {
      const abort = new AbortController();
      const running = run(
        'grep -E "^(Uid|CapInh|CapPrm|CapEff|CapAmb|NoNewPrivs)" /proc/self/status; id -u; : > ready; sleep 600',
        {
          signal: abort.signal,
        },
      );
      await eventually('the command runs', async () =>
        (await readdir(workTree)).includes('ready') ? true : undefined,
      );
      const own = (await processesWith(marker))
        .filter((line) => /^\d+: (sh|sleep) /.test(line))
        .map((line) => parseInt(line));
      const users = await Promise.all(own.map(async (pid) => (await lstat(`/proc/${pid}`)).uid));
      abort.abort();
      const { stdout } = await running;
      expect(users.length).toBeGreaterThan(0);
      // Root's commands are another user's; an ordinary user's can be no one else's.
      const expected =
        process.getuid?.() === 0 ? (uid: number) => uid > 1_000 : (uid: number) => uid === process.getuid?.();
      expect(users.filter((uid) => !expected(uid))).toEqual([]);
      for (const kind of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'])
        expect(stdout).toMatch(new RegExp(`${kind}:\\s*0+\\n`));
      expect(stdout).toMatch(/NoNewPrivs:\s*1/);
      expect(stdout).not.toMatch(/^0$/m);
    });

    it.each([
      [
        'a daemon of two forks and a session of its own',
        `(setsid sh -c '(sleep 600 &) ; sleep 600' >/dev/null 2>&1 &)`,
      ],
      [
        'a process without output, group or parent',
        `setsid setsid sh -c 'trap "" HUP TERM INT; exec >&- 2>&- <&-; sleep 600 & sleep 600' & sleep 0.2`,
      ],
    ])('[AR-11.2] leave nothing when they end: %s', async (_name, command) => {
      expect(await run(`${command}; echo done`)).toMatchObject({
        exitCode: 0,
        stdout: 'done\n',
        limitHit: null,
      });
    });

    it.each([
      ['ignores every signal', `trap '' TERM INT HUP QUIT; while :; do sleep 600; done`],
      [
        'has forked twice into other sessions',
        `(setsid sh -c '(setsid sleep 600 &); sleep 600' &); sleep 600`,
      ],
      ['is stopped', `kill -STOP $$; sleep 600`],
    ])('[AR-11.2] end at their time-out: one that %s', async (_name, command) => {
      expect(await run(command, { timeoutMs: 1_000 })).toMatchObject({
        exitCode: null,
        timedOut: true,
        limitHit: 'timeout',
      });
    });

    hostileLimits(run);

    it('[AR-11.5] do not keep an honest one beside them from passing', async () => {
      const honest = join(directory, 'honest');
      await mkdir(honest);
      await writeFile(
        join(honest, 'a.test.js'),
        'require("node:test")("adds", () => require("node:assert").equal(1 + 1, 2));',
      );
      const hostile = [
        'for i in $(seq 300); do sleep 30 & done; wait',
        'yes | head -c 200000000',
        'for i in $(seq 30); do head -c 10000000 /dev/zero > f$i; done; sleep 30',
        hold(900_000_000),
      ];
      const trees = await Promise.all(
        hostile.map(async (_command, index) => {
          const tree = join(directory, `slot-${index}`);
          await mkdir(tree);
          return tree;
        }),
      );
      const [passed, ...harmful] = await Promise.all([
        run('node --test && echo x > written && cat written', { workTree: honest }),
        ...hostile.map((command, index) => run(command, { workTree: trees[index] ?? workTree })),
      ]);
      expect(passed).toMatchObject({ exitCode: 0, limitHit: null });
      expect(harmful.map(({ limitHit }) => limitHit)).toEqual(['processes', 'output', 'disk', 'memory']);
    });
  });
}
