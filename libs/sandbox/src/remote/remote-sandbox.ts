import { connect, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { RunnerError } from '@necrocode/contracts';
import type { CommandOptions, CommandResult } from '../command.js';
import type { Sandbox, SandboxRoom } from '../create-sandbox.js';
import { LineSocket } from './line-socket.js';
import { replySchema, type Reply, type Request } from './messages.js';

export interface RemoteSandboxOptions {
  /** Unix socket of the server whose commands have no network. */
  readonly socket: string;
  /** Unix socket of the server for commands with network; absent: those have none either. */
  readonly networkSocket: string | undefined;
}

/** A result holds its output three times, and JSON may take six bytes for one. */
const bytesPerOutputByte = 18;
const defaultOutputLimit = 1_048_576;
const otherBytes = 1_048_576;
/** How much longer than its time-out a command may take until its server counts as hung. */
const patienceMs = 30_000;
const openPatienceMs = 30_000;

/**
 * Runs commands by a server in another container, at level `container`: it has no secret, and no network
 * except for setup. Commands run in rooms that the server makes, see `openRoom`.
 *
 * @throws RunnerError sandbox_unavailable when the server cannot run a command
 */
export async function connectSandbox(options: RemoteSandboxOptions): Promise<Sandbox> {
  const sandbox: Sandbox = {
    level: 'container',
    detail: `container by ${options.socket}, ${options.networkSocket ? 'another with network for setup' : 'setup without network'}`,
    runCommand: (command, commandOptions) => {
      const socket = (commandOptions.network && options.networkSocket) || options.socket;
      return runRemotely(socket, command, commandOptions);
    },
    openRoom: () => openRoom(options.socket),
  };
  await probe(sandbox, options.socket);
  return sandbox;
}

async function probe(sandbox: Sandbox, socket: string): Promise<void> {
  const room = await openRoom(socket);
  try {
    const workTree = join(room.directory, 'tree');
    for (const network of [false, true]) {
      const { exitCode } = await sandbox.runCommand('true', { workTree, network, timeoutMs: 10_000 });
      if (exitCode !== 0)
        throw new RunnerError('sandbox_unavailable', 'the sandbox server cannot run commands');
    }
  } finally {
    await room[Symbol.asyncDispose]();
  }
}

async function openRoom(socketPath: string): Promise<SandboxRoom> {
  const conversation = new Conversation(socketPath, otherBytes, openPatienceMs);
  conversation.send({ kind: 'open_room' });
  const reply = await conversation.next();
  if (reply.kind !== 'room') throw unexpected(reply);
  conversation.keep();
  return {
    directory: reply.directory,
    [Symbol.asyncDispose]: () => conversation.leave(),
  };
}

async function runRemotely(
  socketPath: string,
  command: string,
  options: CommandOptions,
): Promise<CommandResult> {
  const { workTree, env = {}, home, timeoutMs, outputLimitBytes, limits = {}, signal, onOutput } = options;
  const longest = (outputLimitBytes ?? defaultOutputLimit) * bytesPerOutputByte + otherBytes;
  const conversation = new Conversation(socketPath, longest, timeoutMs + patienceMs);
  const cancel = () => conversation.send({ kind: 'cancel' });
  try {
    conversation.send({
      kind: 'run',
      room: basename(dirname(workTree)),
      command,
      env: { ...env },
      sharedHome: home !== undefined,
      timeoutMs,
      ...(outputLimitBytes !== undefined && { outputLimitBytes }),
      limits: { ...limits },
    });
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted) cancel();
    for (;;) {
      const reply = await conversation.next();
      if (reply.kind === 'result') return reply.result as CommandResult;
      if (reply.kind !== 'output') throw unexpected(reply);
      onOutput?.(reply.text, reply.stream);
    }
  } finally {
    signal?.removeEventListener('abort', cancel);
    await conversation.leave();
  }
}

function unexpected(reply: Reply): RunnerError {
  if (reply.kind === 'failed') return new RunnerError(reply.code, reply.message);
  return new RunnerError('sandbox_unavailable', 'the sandbox server gave another answer than was asked for');
}

/** One connection: its replies in order, then its end. */
class Conversation {
  private readonly socket: Socket;
  private readonly lines: LineSocket;
  private readonly replies: Reply[] = [];
  private readonly closed: Promise<void>;
  private wake: (() => void) | undefined;
  private isClosed = false;
  private readonly timer: NodeJS.Timeout;

  constructor(socketPath: string, longestBytes: number, patience: number) {
    this.socket = connect(socketPath);
    this.lines = new LineSocket(this.socket, longestBytes, (document) => {
      this.replies.push(replySchema.parse(document));
      this.wake?.();
    });
    this.socket.on('error', () => undefined);
    this.timer = setTimeout(() => this.socket.destroy(), patience);
    this.closed = new Promise((resolve) =>
      this.socket.on('close', () => {
        clearTimeout(this.timer);
        this.isClosed = true;
        this.wake?.();
        resolve();
      }),
    );
  }

  send(request: Request): void {
    void this.lines.send(request);
  }

  /** @throws RunnerError sandbox_unavailable when the connection has ended */
  async next(): Promise<Reply> {
    for (;;) {
      const reply = this.replies.shift();
      if (reply) return reply;
      if (this.isClosed) throw new RunnerError('sandbox_unavailable', 'the sandbox server does not answer');
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /** From now on the connection may last as long as it likes. */
  keep(): void {
    clearTimeout(this.timer);
  }

  /** Ends the conversation; resolves when the server has tidied up, or does not in time. */
  async leave(): Promise<void> {
    clearTimeout(this.timer);
    const timer = setTimeout(() => this.socket.destroy(), openPatienceMs);
    this.socket.end();
    this.socket.resume();
    await this.closed;
    clearTimeout(timer);
  }
}
