import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { StringDecoder } from 'node:string_decoder';
import type { Readable, Writable } from 'node:stream';
import { RunnerError } from '@necrocode/contracts';
import { descriptors } from './bubblewrap.js';
import { OutputCapture } from './capture-output.js';
import type { CommandOptions, CommandResult, LimitHit, OutputStream } from './command.js';
import { endProcesses, firstProcess, waitUntilGone, type StartedProcess } from './end-processes.js';
import type { Launch } from './launcher.js';
import type { ResourceGroup } from './limits/resource-group.js';
import { watchLimits } from './limits/watch-limits.js';

const defaultOutputLimit = 1_048_576;

/**
 * Starts a launch and waits until it and all that it started is gone. A command that fails, is too
 * slow or is cancelled is a result; throws `sandbox_unavailable` when the sandbox itself did not work.
 */
export async function runLaunch(
  launch: Launch,
  options: CommandOptions,
  group?: ResourceGroup,
): Promise<CommandResult> {
  const limit = options.outputLimitBytes ?? defaultOutputLimit;
  const captured = {
    stdout: new OutputCapture(limit),
    stderr: new OutputCapture(limit),
    output: new OutputCapture(limit),
  };
  const started = performance.now();
  const child = start(launch, group);
  const running: StartedProcess = {
    child,
    ending: launch.ending,
    ...(launch.endAll && { endAll: launch.endAll }),
    status: collectText(child.stdio[descriptors.status]),
  };
  const forward = forwarder(options.onOutput, limit);
  let ended: LimitHit | 'cancelled' | undefined;
  const end = (why: LimitHit | 'cancelled') => {
    if (ended === undefined) {
      endProcesses(running);
      group?.end();
    }
    ended ??= why;
  };
  let outputBytes = 0;
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.on('data', (chunk: Buffer) => {
      captured[stream].write(chunk);
      captured.output.write(chunk);
      forward(chunk, stream);
      outputBytes += chunk.length;
      if (outputBytes > (options.limits?.outputBytes ?? Infinity)) end('output');
    });
  }
  const watch = watchLimits({
    first: () => firstProcess(running),
    limits: options.limits ?? {},
    group,
    directories: launch.directories,
    inMemory: launch.inMemory,
    onReached: end,
  });
  const timer = setTimeout(() => end('timeout'), options.timeoutMs);
  const cancel = () => end('cancelled');
  options.signal?.addEventListener('abort', cancel, { once: true });
  if (options.signal?.aborted) cancel();
  try {
    const exit = await waitUntilGone(running);
    // What the kernel has seen between two looks.
    const unseen = watch.last();
    if (unseen === 'memory') ended ??= unseen;
    if (ended === undefined && launch.ending === 'bubblewrap' && !/"exit-code"/.test(running.status())) {
      throw new RunnerError(
        'sandbox_unavailable',
        'the sandbox could not be set up; its words are in the log',
        {
          cause: new Error(captured.stderr.text().slice(0, 2_000)),
        },
      );
    }
    const omitted = captured.output.omittedBytes;
    const exitCode = ended === undefined ? (exit.code ?? 128) : null;
    return {
      exitCode,
      signal: exit.signal ?? (ended === undefined ? null : 'SIGKILL'),
      durationMs: performance.now() - started,
      output: captured.output.text(),
      stdout: captured.stdout.text(),
      stderr: captured.stderr.text(),
      omittedBytes: omitted,
      limitHit:
        ended === undefined || ended === 'cancelled'
          ? (limitOf(exitCode, exit.signal, options) ?? unseen ?? (omitted > 0 ? 'output' : null))
          : ended,
      timedOut: ended === 'timeout',
      cancelled: ended === 'cancelled',
    };
  } finally {
    watch.stop();
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', cancel);
  }
}

function start(launch: Launch, group: ResourceGroup | undefined): ChildProcess {
  const piped = [...(launch.ending === 'bubblewrap' ? [descriptors.status] : []), ...launch.inputs.keys()];
  const files = new Map([...launch.files].map(([descriptor, path]) => [descriptor, openSync(path, 'r')]));
  const last = Math.max(2, ...piped, ...files.keys());
  const extra = Array.from({ length: last - 2 }, (_none, index) => {
    const descriptor = index + 3;
    return files.get(descriptor) ?? (piped.includes(descriptor) ? 'pipe' : 'ignore');
  });
  const direct = [launch.program, ...launch.args];
  const [program = '', ...args] = group
    ? ['/bin/sh', ...joining, ...group.joinFiles, '--', ...direct]
    : direct;
  const child = spawn(program, args, {
    cwd: launch.cwd,
    env: launch.env,
    detached: true,
    ...launch.identity,
    stdio: ['ignore', 'pipe', 'pipe', ...extra],
  });
  for (const file of files.values()) closeSync(file);
  for (const [descriptor, content] of launch.inputs) {
    const input = child.stdio[descriptor] as Writable;
    // A child that fails early does not read it; its exit says why.
    input.on('error', () => undefined);
    input.end(content);
  }
  return child;
}

/** Joins control groups before it becomes the program, so that nothing of it is ever outside. */
const joining = [
  '-c',
  'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"',
  'sh',
];

function collectText(stream: Readable | Writable | null | undefined): () => string {
  let text = '';
  if (stream && 'read' in stream) stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  return () => text;
}

/** Hands output on as text, until it was as much as is kept. */
function forwarder(onOutput: CommandOptions['onOutput'], limit: number) {
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  let room = limit;
  return (chunk: Buffer, stream: OutputStream) => {
    if (!onOutput || room <= 0) return;
    const text = decoders[stream].write(chunk.subarray(0, room));
    room -= chunk.length;
    if (text !== '') onOutput(text, stream);
    if (room <= 0) onOutput('\n[… further output is not shown …]\n', stream);
  };
}

/** The limit that a process of the command died of, as far as its shell tells. */
function limitOf(
  exitCode: number | null,
  signal: NodeJS.Signals | null,
  { limits }: CommandOptions,
): LimitHit | undefined {
  if (limits?.cpuSeconds !== undefined && (signal === 'SIGXCPU' || exitCode === 128 + 24)) return 'cpu';
  if (limits?.fileSizeMb !== undefined && (signal === 'SIGXFSZ' || exitCode === 128 + 25)) return 'file_size';
  return undefined;
}
