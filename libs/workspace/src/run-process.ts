import { spawn, type ChildProcess } from 'node:child_process';

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
}

/** How long the end of output is waited for where a process that left the group still holds it. */
const lingerMs = 2_000;

/**
 * Runs a program in a process group of its own and resolves when it has ended and its output is read.
 *
 * @throws the signal's reason once it is aborted and the group is gone; what the system says when the
 *   program cannot be started
 */
export function runProcess(
  command: readonly string[],
  input: Iterable<Uint8Array | string>,
  { env, signal }: ProcessOptions,
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const [program = '', ...args] = command;
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
