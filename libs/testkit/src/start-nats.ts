import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort, requireTool } from '@necrocode/host-tools';
import { tempDir } from './temp-dir.js';

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly storeDir: string;
  /** Ends the server; its state stays in `storeDir`. */
  stop(): Promise<void>;
}

export interface NatsStart {
  readonly port?: number;
  readonly storeDir?: string;
  /** Configuration file, which finds its store in NATS_STORE_DIR; absent: JetStream for everybody. */
  readonly config?: string;
  /** What the configuration takes from the environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts a real nats-server with JetStream on loopback, ready to be connected to. */
export async function startNats(options: NatsStart = {}): Promise<NatsServer> {
  const executable = await requireTool('nats-server');
  const port = options.port ?? (await freePort());
  const storeDir = options.storeDir ?? tempDir('necrocode-nats-');
  const settings = options.config ? ['-c', options.config] : ['-js', '-sd', storeDir];
  const child = spawn(executable, ['-a', '127.0.0.1', '-p', String(port), ...settings], {
    env: { PATH: process.env['PATH'], NATS_STORE_DIR: storeDir, ...options.environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  let log = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('Server is ready')) resolve();
    });
    exited.then(
      () => reject(new Error(`nats-server ended at once:\n${log}`)),
      () => undefined,
    );
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await exited;
  };
  return { url: `nats://127.0.0.1:${port}`, port, pid: child.pid as number, storeDir, stop };
}
