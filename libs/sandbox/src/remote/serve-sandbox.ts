import { rm, chmod } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { RunnerError } from '@necrocode/contracts';
import type { Logger } from '@necrocode/telemetry';
import { findHost } from '../probe-sandbox.js';
import type { Host } from '../launcher.js';
import type { IdentityRange } from './identities.js';
import { LineSocket } from './line-socket.js';
import { requestSchema, type Reply, type Request, type RunRequest } from './messages.js';
import { runInRoom } from './run-in-room.js';
import { Rooms, type Room } from './rooms.js';

export interface SandboxServerOptions {
  /** Path of the Unix socket; whoever may open it may run commands. */
  readonly socket: string;
  /** Holds the rooms; mounted at the same path where the runners are. */
  readonly rooms: string;
  readonly identities: IdentityRange;
  /** Directories that every user may write, such as /tmp: what a command leaves there is deleted after it. */
  readonly sharedDirectories: readonly string[];
  /** Runs commands in rooms that another server makes, and tells them how this host gets out. */
  readonly network: boolean;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Logger;
}

export interface SandboxServer {
  /** Ends all commands and removes all rooms. */
  close(): Promise<void>;
}

/** A request is small: a command and its environment. */
const longestRequest = 4 * 1_048_576;

/**
 * Runs commands for runners in other containers, each task's as a user of its own. Has to be root (or to
 * have CAP_SETUID and CAP_SETGID), and no other program may use the identities.
 */
export async function serveSandbox(options: SandboxServerOptions): Promise<SandboxServer> {
  // The runner is in a room's group, others have no business there.
  process.umask(0o007);
  const rooms = new Rooms(options.rooms, options.identities, options.log);
  const host = await findHost(options.environment);
  if (!options.network) await rooms.clear();
  const desk = new Desk(rooms, host, options);
  const server = createServer({ allowHalfOpen: true }, (socket) => desk.receive(socket));
  await rm(options.socket, { force: true });
  server.listen(options.socket);
  await once(server, 'listening');
  await chmod(options.socket, 0o660);
  return {
    async close() {
      server.close();
      await desk.close();
    },
  };
}

/** Serves connections, and knows what is under way on them. */
class Desk {
  private readonly sockets = new Set<Socket>();
  private readonly underway = new Set<Promise<void>>();
  /** The last command of each room: they run one after another, since the end of one ends all. */
  private readonly queues = new Map<string, Promise<unknown>>();

  constructor(
    private readonly rooms: Rooms,
    private readonly host: Host,
    private readonly options: SandboxServerOptions,
  ) {}

  receive(socket: Socket): void {
    const ended = new AbortController();
    let started = false;
    const send = (reply: Reply) => lines.send(reply);
    const lines: LineSocket = new LineSocket(socket, longestRequest, (document) => {
      const request = requestSchema.parse(document);
      if (request.kind === 'cancel') return ended.abort();
      if (started) throw new Error('a second request on one connection');
      started = true;
      const work = this.serve(request, send, ended.signal)
        .catch((error: unknown) => send(failure(error, this.options.log)))
        .finally(() => {
          socket.end();
          this.underway.delete(work);
        });
      this.underway.add(work);
    });
    this.sockets.add(socket);
    const end = () => ended.abort();
    // Half closed counts as gone: what a runner that died had running must not run on.
    socket.on('end', end).on('error', end);
    socket.on('close', () => {
      end();
      this.sockets.delete(socket);
    });
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(this.underway);
  }

  private serve(
    request: Exclude<Request, { kind: 'cancel' }>,
    send: (reply: Reply) => Promise<void>,
    ended: AbortSignal,
  ): Promise<void> {
    return request.kind === 'run' ? this.run(request, send, ended) : this.keepRoom(send, ended);
  }

  private async keepRoom(send: (reply: Reply) => Promise<void>, ended: AbortSignal): Promise<void> {
    if (this.options.network) throw new RunnerError('sandbox_unavailable', 'rooms are made elsewhere');
    const room = await this.rooms.open();
    try {
      await send({ kind: 'room', directory: room.directory });
      if (!ended.aborted) await once(ended, 'abort');
    } finally {
      await this.queues.get(room.name);
      await this.rooms.close(room);
    }
  }

  private async run(
    request: RunRequest,
    send: (reply: Reply) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const room = await this.rooms.find(request.room);
    if (!room) throw new RunnerError('workspace_failed', 'the room of the command does not exist');
    const result = await this.inTurn(room, () =>
      runInRoom(
        room,
        { ...this.options, host: this.host },
        {
          request,
          signal,
          onOutput: (text, stream) => void send({ kind: 'output', stream, text }),
        },
      ),
    );
    await send({ kind: 'result', result });
  }

  private async inTurn<T>(room: Room, work: () => Promise<T>): Promise<T> {
    const turn = (this.queues.get(room.name) ?? Promise.resolve()).then(work);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.queues.set(room.name, settled);
    try {
      return await turn;
    } finally {
      if (this.queues.get(room.name) === settled) this.queues.delete(room.name);
    }
  }
}

function failure(error: unknown, log: Logger): Reply {
  log.warn({ error }, 'a request failed');
  const { code, message } = RunnerError.from(error, 'sandbox_unavailable');
  return { kind: 'failed', code: code === 'workspace_failed' ? code : 'sandbox_unavailable', message };
}
