import type { Socket } from 'node:net';

/**
 * Sends and receives JSON documents, a line each. A line that is longer than `longestBytes` or that is
 * no JSON ends the connection.
 */
export class LineSocket {
  private pending: Buffer[] = [];
  private pendingBytes = 0;

  constructor(
    private readonly socket: Socket,
    longestBytes: number,
    hear: (document: unknown) => void,
  ) {
    socket.on('data', (chunk: Buffer) => {
      for (let rest = chunk; rest.length > 0;) {
        const end = rest.indexOf(0x0a);
        const piece = end < 0 ? rest : rest.subarray(0, end);
        this.pending.push(piece);
        this.pendingBytes += piece.length;
        if (this.pendingBytes > longestBytes) return void socket.destroy();
        if (end < 0) return;
        const line = Buffer.concat(this.pending).toString('utf8');
        this.pending = [];
        this.pendingBytes = 0;
        rest = rest.subarray(end + 1);
        try {
          hear(JSON.parse(line));
        } catch {
          return void socket.destroy();
        }
      }
    });
  }

  /** Resolves when the other side takes more; what cannot be sent is told by the socket's end. */
  async send(document: object): Promise<void> {
    if (this.socket.destroyed || this.socket.write(`${JSON.stringify(document)}\n`)) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.socket.off('drain', done).off('close', done);
        resolve();
      };
      this.socket.on('drain', done).on('close', done);
    });
  }
}
