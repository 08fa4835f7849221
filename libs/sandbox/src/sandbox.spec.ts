import { jest } from '@jest/globals';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandOptions } from './command.js';
import { createSandbox, type Sandbox } from './create-sandbox.js';
import type { Launcher } from './launcher.js';
import { launchers, probeSandbox } from './probe-sandbox.js';

jest.setTimeout(60_000);

const secret = 'the-runners-own-secret';
const available: readonly (readonly [string, Launcher])[] = await workingLaunchers();

async function workingLaunchers() {
  const found: [string, Launcher][] = [];
  for (const launcher of await launchers()) {
    const sandbox = await withLauncher(launcher);
    const workTree = await mkdtemp(join(tmpdir(), 'sandbox-spec-'));
    const works = await sandbox.runCommand('true', { workTree, network: false, timeoutMs: 10_000 }).then(
      ({ exitCode }) => exitCode === 0,
      () => false,
    );
    await rm(workTree, { recursive: true });
    const user = 'userNamespace' in launcher && launcher.userNamespace ? ' with user namespace' : '';
    if (works) found.push([`${launcher.level} by ${launcher.kind}${user}`, launcher]);
  }
  return found;
}

function withLauncher(launcher: Launcher): Promise<Sandbox> {
  return createSandbox({
    allowLowered: true,
    probe: () => Promise.resolve({ level: launcher.level, detail: '', launcher }),
    hostEnvironment: { ...process.env, OPENAI_API_KEY: secret, https_proxy: `http://u:${secret}@proxy:1` },
  });
}

describe.each(available)('a sandbox of level %s', (_name, launcher) => {
  let sandbox: Sandbox;
  let directory: string;
  let workTree: string;
  const full = launcher.level === 'full';

  beforeEach(async () => {
    sandbox = await withLauncher(launcher);
    directory = await mkdtemp(join(tmpdir(), 'sandbox-spec-'));
    workTree = join(directory, 'tree');
    await mkdir(workTree);
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

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
    expect((await readdir(tmpdir())).filter((name) => name.startsWith('necrocode-command-'))).toEqual(before);
  });

  (full ? it : it.skip)(
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

  (full ? it : it.skip)('[AR-10.2] has no network unless it is given', async () => {
    const server = createServer((_request, response) => response.end('reached'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const ask = `node -e 'require("http").get("${url}", (r) => r.pipe(process.stdout)).on("error", (e) => console.log(e.code))'`;
      expect((await run(ask)).stdout).toBe('ECONNREFUSED\n');
      expect((await run(ask, { network: true })).stdout).toBe('reached');
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  (launcher.level === 'none' ? it.skip : it)(
    '[AR-11.2] leaves nothing of a daemon that left its session',
    async () => {
      const marker = `marker-${directory.slice(-6)}`;
      await run(`setsid sh -c 'trap "" HUP; sleep 600; : ${marker}' >/dev/null 2>&1 & sleep 0.05; echo done`);
      expect(await processesWith(marker)).toEqual([]);
    },
  );
});

describe('createSandbox', () => {
  it('[AR-10.4] lowers the level only where that is allowed', async () => {
    const probe = () =>
      Promise.resolve({ level: 'none', detail: 'd', launcher: { kind: 'group', level: 'none' } } as const);
    await expect(createSandbox({ allowLowered: false, probe })).rejects.toMatchObject({
      code: 'sandbox_unavailable',
      message: /bubblewrap/,
    });
    expect((await createSandbox({ allowLowered: true, probe })).level).toBe('none');
  });

  it('[AR-9.2] finds the best level that works', async () => {
    const probe = await probeSandbox();
    expect(probe.launcher).toEqual(available[0]?.[1]);
    const nothing = await probeSandbox({ PATH: '/nonexistent' }).catch((error: unknown) => error);
    expect(nothing).toMatchObject({ code: 'sandbox_unavailable' });
  });

  it('[AR-9.2] calls a sandbox that cannot be set up by its name', async () => {
    const launcher = { kind: 'bubblewrap', level: 'pid', program: '/bin/false' } as const;
    const sandbox = await createSandbox({
      allowLowered: true,
      probe: () => Promise.resolve({ level: 'pid', detail: '', launcher }),
    });
    const options = { workTree: tmpdir(), network: false, timeoutMs: 10_000 };
    await expect(sandbox.runCommand('true', options)).rejects.toMatchObject({ code: 'sandbox_unavailable' });
    await expect(
      sandbox.runCommand('true', { ...options, workTree: '/does/not/exist' }),
    ).rejects.toMatchObject({ code: 'workspace_failed' });
  });
});

/** Command lines of living processes that contain the marker. */
async function processesWith(marker: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(marker));
}
