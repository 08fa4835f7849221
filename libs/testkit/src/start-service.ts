import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { freePort } from '@necrocode/host-tools';
import { eventually } from './eventually.js';
import { tempDir } from './temp-dir.js';

/** A service in a process of its own, which can be ended and started again on the same address and state. */
export interface ServiceProcess {
  /** `host:port` */
  readonly address: string;
  readonly dataDir: string;
  readonly pid: number;
  /** Resolves when the process is gone. */
  end(signal?: NodeJS.Signals): Promise<void>;
  /** After `end`: resolves when it serves again. */
  start(): Promise<void>;
}

/**
 * Starts the built service `apps/<app>` and waits until it listens.
 *
 * @param environment settings besides its address, its folder and the log level
 */
export async function startService(
  app: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<ServiceProcess> {
  const address = `127.0.0.1:${await freePort()}`;
  const dataDir = tempDir(`necrocode-${app}-`);
  const start = () =>
    launch(app, address, {
      PATH: process.env['PATH'],
      TMPDIR: process.env['TMPDIR'],
      NODE_NO_WARNINGS: '1',
      LISTEN_ADDRESS: address,
      DATA_DIR: dataDir,
      LOG_LEVEL: 'warn',
      ...environment,
    });
  let child = await start();
  return {
    address,
    dataDir,
    get pid() {
      return child.pid as number;
    },
    async end(signal = 'SIGTERM') {
      if (hasEnded(child)) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
    async start() {
      child = await start();
    },
  };
}

const apps = resolve(import.meta.dirname, '../../../apps');

async function launch(app: string, address: string, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    ['--import', '@necrocode/telemetry/register', join(apps, app, 'dist/main.js')],
    { cwd: join(apps, app), env, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  try {
    await eventually(`${app} listens`, async () => {
      if (hasEnded(child)) throw new Error(`${app} ended at once:\n${log}`);
      return (await answers(address)) ? true : undefined;
    });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return child;
}

function answers(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
