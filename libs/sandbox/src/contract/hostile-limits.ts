import type { CommandOptions, CommandResult, LimitHit } from '../command.js';

type Run = (command: string, options?: Partial<CommandOptions>) => Promise<CommandResult>;

/** A command that keeps so much memory, in bytes, for a while. */
export function hold(bytes: number): string {
  return `node -e 'globalThis.held = Buffer.alloc(${bytes}, 1); setTimeout(() => {}, 30000)'`;
}

/** Commands that take all there is, one kind after the other. */
export function hostileLimits(run: Run): void {
  it.each<readonly [string, string, LimitHit]>([
    // A shell that may not fork any more ends, so the first one waits without.
    [
      'fork a tree',
      'f() { [ $1 -gt 0 ] && { f $(($1-1)) & f $(($1-1)) & }; sleep 30; }; f 8 & exec sleep 30',
      'processes',
    ],
    [
      'fork into sessions of their own',
      '{ for i in $(seq 300); do (setsid sh -c "sleep 30 & sleep 30" &); done; } & exec sleep 30',
      'processes',
    ],
    [
      'start threads',
      `UV_THREADPOOL_SIZE=200 node -e 'fs.readdir(".", () => {}); setTimeout(() => {}, 30000)'`,
      'processes',
    ],
    ['take memory in one process', hold(900_000_000), 'memory'],
    ['take memory in many processes', `for i in $(seq 6); do ${hold(100_000_000)} & done; wait`, 'memory'],
    ['fill the work tree', 'for i in $(seq 30); do head -c 10000000 /dev/zero > f$i; done; sleep 30', 'disk'],
    ['fill the disk with one file', 'head -c 180000000 /dev/zero > f; sleep 30', 'disk'],
    [
      'fill the disk with files that have no name',
      'exec 5> a 6> b; rm a b; head -c 90000000 /dev/zero >&5; head -c 90000000 /dev/zero >&6; sleep 30',
      'disk',
    ],
    [
      'fill the disk with empty files',
      `node -e 'for (let i = 0; i < 60000; i++) fs.writeFileSync("f" + i, ""); setTimeout(() => {}, 55000)'`,
      'disk',
    ],
    ...['000', '444'].map(
      (mode) =>
        [
          `fill directories of mode ${mode}`,
          `for i in 1 2 3 4; do mkdir d$i; head -c 50000000 /dev/zero > d$i/f; chmod ${mode} d$i; done; sleep 30`,
          'disk',
        ] as const,
    ),
    ['fill /tmp', 'head -c 90000000 /dev/zero > /tmp/f; sleep 30', 'disk'],
    ['fill HOME', 'head -c 90000000 /dev/zero > "$HOME/f"; sleep 30', 'disk'],
    ['fill shared memory', 'head -c 90000000 /dev/zero > /dev/shm/f; sleep 30', 'disk'],
    ['flood the output', 'yes | head -c 2000000000', 'output'],
    [
      'flood the output from many',
      'for i in 1 2 3; do yes $i | head -c 700000000 >&2 & done; wait',
      'output',
    ],
  ])('[AR-11.5] are ended by name when they %s', async (_what, command, limit) => {
    const before = process.memoryUsage().rss;
    const result = await run(command, { outputLimitBytes: 1_000_000 });
    expect(result).toMatchObject({ limitHit: limit, timedOut: false, cancelled: false });
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  });

  it('[AR-11.5] are held to files of a size, by name', async () => {
    const result = await run('exec head -c 9000000 /dev/zero > f', { limits: { fileSizeMb: 1 } });
    expect(result.limitHit).toBe('file_size');
  });

  const busy = 'timeout 30 sh -c "while :; do :; done"';
  it.each([
    ['together', `${busy} & ${busy} & wait`],
    // Linux forgets the time of children that their parent does not want to hear of.
    [
      'one after the other, unwaited for',
      `perl -e '$SIG{CHLD} = "IGNORE"; for (1..90) { fork or exec "timeout", "0.4", "sh", "-c", "while :; do :; done"; wait }'`,
    ],
  ])('[AR-11.4] are ended by name when several use up the CPU time %s', async (_how, command) => {
    const result = await run(command, { limits: { cpuSeconds: 2 } });
    expect(result).toMatchObject({ limitHit: 'cpu', timedOut: false });
  });

  it.each([
    [
      'a file system of their own',
      `unshare --user --map-root-user --mount sh -c 'mount -t tmpfs t /tmp && head -c 600000000 /dev/zero > /tmp/f && echo held; sleep 30'`,
    ],
    [
      'shared memory that no process has mapped',
      `perl -e 'for (1..12) { $id = shmget(0, 50000000, 01666) // die "shmget: $!"; shmwrite($id, "x" x 50000000, 0, 50000000) } print "held"; sleep 30'`,
    ],
  ])('[AR-11.5] hold no memory unseen in %s', async (_what, command) => {
    const result = await run(command);
    expect(result.exitCode).not.toBe(0);
    expect(result.timedOut).toBe(false);
    expect(result.output).not.toContain('held');
  });
}
