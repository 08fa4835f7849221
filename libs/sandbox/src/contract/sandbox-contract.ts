import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SandboxLevel } from '@necrocode/contracts';
import { tempDir } from '@necrocode/testkit';
import type { CommandLimits, CommandOptions, LimitHit } from '../command.js';
import type { Sandbox } from '../create-sandbox.js';
import { hold } from './hostile-limits.js';
import { processesWith } from './processes-with.js';

/** The environment with which a sandbox under test has to be opened: its secrets are looked for. */
export const secret = 'the-runners-own-secret';
export const hostEnvironment = {
  ...process.env,
  OPENAI_API_KEY: secret,
  https_proxy: `http://u:${secret}@proxy:1`,
};

/** What each level promises beyond running commands, in bounds, with an environment of their own. */
export const promisesOf: Readonly<
  Record<SandboxLevel, Record<'endsEverything' | 'confinesFiles' | 'confinesNetwork', boolean>>
> = {
  full: { endsEverything: true, confinesFiles: true, confinesNetwork: true },
  container: { endsEverything: true, confinesFiles: true, confinesNetwork: true },
  pid: { endsEverything: true, confinesFiles: false, confinesNetwork: false },
  none: { endsEverything: false, confinesFiles: false, confinesNetwork: false },
};

/** What every sandbox of a level does, however it is made. */
export function sandboxContract(name: string, level: SandboxLevel, open: () => Promise<Sandbox>): void {
  const promises = promisesOf[level];
  describe(`${name} as a sandbox of level ${level}`, () => {
    let sandbox: Sandbox;
    let directory: string;
    let workTree: string;

    beforeEach(async () => {
      sandbox = await open();
      directory = tempDir('sandbox-');
      workTree = join(directory, 'tree');
      await mkdir(workTree);
    });

    const run = (command: string, options: Partial<CommandOptions> = {}) =>
      sandbox.runCommand(command, { workTree, network: false, timeoutMs: 60_000, ...options });

    it('[AR-4.3] reports exit code and duration, [AR-4.2] and both streams', async () => {
      const seen: string[] = [];
      const result = await run('echo out; echo err >&2; exit 7', {
        onOutput: (text, stream) => seen.push(`${stream}: ${text}`),
      });
      expect(result).toMatchObject({
        exitCode: 7,
        signal: null,
        stdout: 'out\n',
        stderr: 'err\n',
        limitHit: null,
        timedOut: false,
        cancelled: false,
      });
      expect(result.durationMs).toBeGreaterThan(0);
      expect([...result.output.matchAll(/out|err/g)].flat().sort()).toEqual(['err', 'out']);
      expect(seen.sort()).toEqual(['stderr: err\n', 'stdout: out\n']);
    });

    it('[AR-4.3] reports a command that died of a signal as the shell does', async () => {
      expect((await run("sh -c 'kill -9 $$'; exit $?")).exitCode).toBe(137);
      expect((await run('exec 3>&-; does-not-exist-anywhere')).exitCode).toBe(127);
    });

    it('[AR-9.2] runs in the work tree and writes there', async () => {
      const { stdout, exitCode } = await run('pwd; mkdir a && echo hello > a/b');
      expect({ stdout: stdout.trim(), exitCode }).toEqual({ stdout: workTree, exitCode: 0 });
      expect(await readFile(join(workTree, 'a/b'), 'utf8')).toBe('hello\n');
    });

    it('[AR-10.1] starts with an environment that holds no secret of the runner', async () => {
      const { stdout } = await run('env', { env: { ADDED: 'yes' }, network: true });
      expect(stdout).toContain('ADDED=yes');
      expect(stdout).toContain('CI=1');
      expect(stdout).not.toContain(secret);
      expect(stdout).not.toContain('JEST_WORKER_ID');
      const names = stdout.split('\n').map((line) => line.split('=')[0]);
      expect(names).toEqual(expect.arrayContaining(['PATH', 'HOME', 'LANG', 'TMPDIR']));
    });

    it('[AR-11.2] ends a command that takes too long, with all that it started', async () => {
      const marker = `marker-${directory.slice(-6)}`;
      const children = `sh -c 'sh -c "sleep 600; : ${marker}" & sleep 600; : ${marker}' & trap '' TERM; echo started; sleep 600; : ${marker}`;
      const result = await run(children, { timeoutMs: 300 });
      expect(result).toMatchObject({ exitCode: null, timedOut: true, cancelled: false, limitHit: 'timeout' });
      expect(await processesWith(marker)).toEqual([]);
    });

    it('[AR-11.2] leaves nothing behind when the command ends by itself', async () => {
      const marker = `marker-${directory.slice(-6)}`;
      const result = await run(`sh -c 'sleep 600; : ${marker}' >/dev/null 2>&1 & echo done`);
      expect(result).toMatchObject({ exitCode: 0, stdout: 'done\n' });
      expect(await processesWith(marker)).toEqual([]);
    });

    it('[AR-11.2] ends a command whose task is cancelled', async () => {
      const marker = `marker-${directory.slice(-6)}`;
      const abort = new AbortController();
      const running = run(`echo ready; sleep 600; : ${marker}`, {
        signal: abort.signal,
        onOutput: () => abort.abort(),
      });
      expect(await running).toMatchObject({
        exitCode: null,
        cancelled: true,
        timedOut: false,
        stdout: 'ready\n',
      });
      expect(await processesWith(marker)).toEqual([]);
      const late = await run('echo never', { signal: AbortSignal.abort() });
      expect(late).toMatchObject({ cancelled: true, exitCode: null });
    });

    it('[AR-11.2] ends a command that is cancelled while it is still being started', async () => {
      for (let turn = 0; turn < 40; turn += 1) {
        const abort = new AbortController();
        setTimeout(() => abort.abort(), turn / 4);
        const result = await run('sleep 600', { signal: abort.signal });
        expect(result).toMatchObject({ cancelled: true, exitCode: null });
      }
    });

    it('[AR-4.2] keeps head and tail of long output and says what is missing', async () => {
      const result = await run(
        'echo first; i=0; while [ $i -lt 5000 ]; do echo "line $i äöü"; i=$((i+1)); done; echo last',
        {
          outputLimitBytes: 1_000,
        },
      );
      expect(result).toMatchObject({ exitCode: 0, limitHit: 'output' });
      expect(result.stdout).toMatch(
        /^first\nline 0 [^]*\[… \d+ bytes of output left out …\][^]*line 4999 äöü\nlast\n$/,
      );
      expect(result.stdout).not.toContain('\ufffd');
      expect(Buffer.byteLength(result.stdout)).toBeLessThan(1_100);
      expect(result.omittedBytes).toBeGreaterThan(50_000);
    });

    it('[AR-11.4] ends a command that uses more CPU time or writes more than it may', async () => {
      const busy = await run('while :; do :; done', { limits: { cpuSeconds: 1 } });
      expect(busy).toMatchObject({ limitHit: 'cpu' });
      const big = await run('exec head -c 3000000 /dev/zero > big', { limits: { fileSizeMb: 1 } });
      expect(big.exitCode).not.toBe(0);
      expect((await readFile(join(workTree, 'big'))).length).toBe(1_048_576);
    });

    it('[AR-9.2] shares HOME between the commands that are given the same one', async () => {
      const home = join(directory, 'home');
      await mkdir(home);
      await run('echo kept > "$HOME/file"', { home });
      expect((await run('cat "$HOME/file"', { home })).stdout).toBe('kept\n');
      expect((await run('ls -A "$HOME"')).stdout).toBe('');
    });

    it('[AR-9.2] finds the tools of the host', async () => {
      const { stdout, stderr } = await run('node -p 1+1 && git --version');
      expect({ stdout, stderr }).toEqual({
        stdout: expect.stringMatching(/^2\ngit version/) as string,
        stderr: '',
      });
    });

    it('[AR-10.1] leaves no directory of its own', async () => {
      const before = (await readdir(tmpdir())).filter((name) => name.startsWith('necrocode-command-'));
      await run('mkdir -p "$HOME/ro/x" && chmod 500 "$HOME/ro" && echo x > "$TMPDIR/y"');
      expect((await readdir(tmpdir())).filter((name) => name.startsWith('necrocode-command-'))).toEqual(
        before,
      );
    });

    (promises.confinesFiles ? it : it.skip)(
      '[AR-10.4] can write nothing but the work tree, and does not see the rest',
      async () => {
        await writeFile(join(directory, 'outside'), secret);
        const { output } = await run(
          `cat ${directory}/outside; ls ${directory}; for f in /usr/x /etc/x /x ${directory}/x "$HOME/x" /tmp/x; do touch $f && echo "wrote $f"; done; cat /etc/shadow; ls /var/lib; cat /proc/*/environ`,
        );
        expect(output).not.toContain(secret);
        // HOME and /tmp are its own, in memory.
        const written = [...output.matchAll(/^wrote (.*)$/gm)].map((match) => match[1] ?? '');
        expect(written.filter((path) => !/^\/(tmp|home\/sandbox)\//.test(path))).toEqual([]);
        expect(written).toContain('/tmp/x');
        expect(output).toMatch(/\/etc\/shadow: No such file/);
        expect((await readdir(directory)).sort()).toEqual(['outside', 'tree']);
      },
    );

    (promises.confinesNetwork ? it : it.skip)('[AR-10.2] has no network of the host', async () => {
      const server = createServer((_request, response) => response.end('reached'));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      try {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
        const ask = `node -e 'require("http").get("${url}", (r) => r.pipe(process.stdout)).on("error", (e) => console.log(e.code))'`;
        expect((await run(ask)).stdout).toBe('ECONNREFUSED\n');
        // With network it has one of its own, with a way out to named hosts only (egress.security.spec.ts).
        expect((await run(ask, { network: true })).stdout).toBe('ECONNREFUSED\n');
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });

    (promises.endsEverything ? it : it.skip)(
      '[AR-11.2] leaves nothing of a daemon that left its session',
      async () => {
        const marker = `marker-${directory.slice(-6)}`;
        await run(
          `setsid sh -c 'trap "" HUP; sleep 600; : ${marker}' >/dev/null 2>&1 & sleep 0.05; echo done`,
        );
        expect(await processesWith(marker)).toEqual([]);
      },
    );
    describe.each(limitCases)('whose command %s', (_what, { command, limits, hit }) => {
      it(`[AR-11.5] names the limit: ${hit}`, async () => {
        const result = await run(command, { limits });
        expect(result).toMatchObject({ limitHit: hit, timedOut: false, cancelled: false });
      });
    });
  });
}

interface LimitCase {
  readonly command: string;
  readonly limits: CommandLimits;
  readonly hit: LimitHit;
}

/** Each is bounded by itself, should the limit not hold. */
const limitCases: readonly (readonly [string, LimitCase])[] = [
  ['takes too much memory', { command: hold(700_000_000), limits: { memoryMb: 128 }, hit: 'memory' }],
  [
    'starts too many processes',
    { command: 'for i in $(seq 80); do sleep 20 & done; wait', limits: { processes: 40 }, hit: 'processes' },
  ],
  [
    'fills the disk',
    {
      command: 'for i in $(seq 60); do head -c 10000000 /dev/zero > big-$i; done; sleep 20',
      limits: { diskMb: 100 },
      hit: 'disk',
    },
  ],
  [
    'writes too large a file',
    { command: 'exec head -c 9000000 /dev/zero > big', limits: { fileSizeMb: 1 }, hit: 'file_size' },
  ],
  [
    'says too much',
    { command: 'yes | head -c 300000000', limits: { outputBytes: 3_000_000 }, hit: 'output' },
  ],
  [
    'uses too much CPU time',
    {
      command: 'timeout 20 sh -c "while :; do :; done" & timeout 20 sh -c "while :; do :; done"',
      limits: { cpuSeconds: 1 },
      hit: 'cpu',
    },
  ],
  [
    'opens too many files',
    {
      command: `node -e 'try { for (;;) fs.openSync("/dev/null") } catch (e) { console.log(e.code) } setTimeout(() => {}, 1500)'`,
      limits: { openFiles: 100 },
      hit: 'open_files',
    },
  ],
];
