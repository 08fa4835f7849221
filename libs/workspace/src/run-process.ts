import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { promisify } from 'node:util';

export interface Finished {
  /** Null after a signal. */
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

export interface ProcessOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Ends the program and everything that it started, at once. */
  readonly signal?: AbortSignal;
  /** Has all of it end with this process as well, where the system can do that (Linux with `setpriv`). */
  readonly endsWithParent?: boolean;
}

/** How long the end of output is waited for where a process that left the group still holds it. */
const lingerMs = 2_000;

/**
 * Runs a program in a process group of its own and resolves when it has ended and its output is read.
 *
 * @throws the signal's reason once it is aborted and the group is gone; what the system says when the
 *   program cannot be started
 */
export async function runProcess(
  command: readonly string[],
  input: Iterable<Uint8Array | string>,
  { env, signal, endsWithParent }: ProcessOptions,
): Promise<Finished> {
  signal?.throwIfAborted();
  const guard = endsWithParent && (await canTellOfDeath()) ? endGroupWithParent : [];
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = [...guard, ...command];
    const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const end = () => endGroup(child);
    signal?.addEventListener('abort', end, { once: true });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    // The program may end before it has read everything; its exit code tells why.
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', (code) => {
      signal?.removeEventListener('abort', end);
      if (signal?.aborted) reject(signal.reason as Error);
      else resolve({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) });
    });
    for (const chunk of input) child.stdin.write(chunk);
    child.stdin.end();
  });
}

/**
 * The kernel tells a shell of the death of this process, and the shell ends its group. Telling the
 * program alone would not do: helpers such as git-remote-https go on waiting for their network.
 */
const endGroupWithParent = [
  ...['setpriv', '--pdeathsig', 'TERM', '--', 'sh', '-c'],
  ...[`trap 'kill -KILL 0' TERM; exec 3<&0; "$@" <&3 3<&- & wait $!`, 'sh'],
];

let deathIsTold: Promise<boolean> | undefined;

function canTellOfDeath(): Promise<boolean> {
  const tried = () => promisify(execFile)('setpriv', ['--pdeathsig', 'TERM', '--', 'sh', '-c', 'exit 0']);
  return (deathIsTold ??= tried().then(
    () => true,
    () => false,
  ));
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
  setTimeout(() => {
    // 'close' waits for both.
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, lingerMs).unref();
}
