import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultPlace } from '@necrocode/contracts';
import { connectNats, ensureStreams, ensureTaskConsumer } from '@necrocode/messaging';
import { SupervisedProcess, workspaceRoot } from '@necrocode/stack';
import { startNats } from '@necrocode/testkit';
import { gitEnvironment } from './process-environment.js';
import { startGitRemote } from './proxy/git-remote.js';
import { startLlmEndpoint } from './proxy/llm-endpoint.js';
import { startNatsProxy } from './proxy/nats-proxy.js';
import { openQueue } from './queue.js';
import { ackWaitSeconds, type Scene } from './scene.js';
import { sendSignal } from './send-signal.js';
import type { World } from './world.js';

export const naiveKinds = ['ack-first', 'ack-late'] as const;
export type NaiveKind = (typeof naiveKinds)[number];

export interface NaiveStackOptions {
  readonly name: string;
  readonly dataDir: string;
  readonly runners: number;
  readonly kind: NaiveKind;
}

const program = join(workspaceRoot, 'apps/chaos/src/naive-runner.ts');
const graceMs = 2_000;

/** NATS, the model, the remotes, and naive runners: all that these know. */
export async function startNaiveStack(options: NaiveStackOptions, scene: Scene): Promise<World> {
  const { name, dataDir, runners, kind } = options;
  const { gate, ledger, repositories } = scene;
  const ends = new AsyncDisposableStack();
  try {
    mkdirSync(dataDir, { recursive: true });
    const log = createWriteStream(join(dataDir, 'stack.log'));
    ends.defer(() => new Promise<void>((resolve) => log.end(resolve)));
    const nats = await startNats({ storeDir: join(dataDir, 'nats') });
    ends.defer(() => nats.stop());
    await makeQueue(nats.url);
    const queue = await openQueue(nats.url, name);
    ends.defer(() => queue.close());
    const llm = await startLlmEndpoint(gate, ledger);
    ends.defer(() => llm.close());
    const processes: SupervisedProcess[] = [];
    for (let runner = 1; runner <= runners; runner += 1) {
      const watched = { runner, gate, ledger };
      const door = await startNatsProxy({ ...watched, upstreamPort: nats.port, deliveryIsClaim: true });
      ends.defer(() => door.close());
      const git = await startGitRemote({ ...watched, repositories });
      ends.defer(() => git.close());
      const environment = {
        ...gitEnvironment,
        NATS_URL: `nats://127.0.0.1:${door.port}`,
        OPENAI_BASE_URL: llm.baseUrl(runner),
        http_proxy: `http://127.0.0.1:${git.port}`,
        NAIVE_DIR: dataDir,
        NAIVE_ACK: kind,
      };
      const plan = {
        name: `naive-${runner}`,
        command: process.execPath,
        args: [program],
        cwd: workspaceRoot,
        trusted: false,
        environment: () => environment,
      };
      const onLine = (who: string, line: string) => log.write(`${who}: ${line}\n`);
      const supervised = new SupervisedProcess(plan, { onLine, onChange: () => undefined });
      ends.defer(() => supervised.stop(graceMs));
      supervised.start();
      processes.push(supervised);
    }
    const signal = (runner: number, what: NodeJS.Signals) => sendSignal(processes[runner - 1]?.pid, what);
    const disposal = ends.move();
    return {
      publish: (body, messageId) => queue.publish(body, messageId),
      killRunner: (runner) => signal(runner, 'SIGKILL'),
      freezeRunner: (runner) => signal(runner, 'SIGSTOP'),
      thawRunner: (runner) => signal(runner, 'SIGCONT'),
      killService: () => undefined,
      fillDisk: () => undefined,
      emptyDisk: () => undefined,
      endedTasks: (spec) => Promise.resolve(endedTasks(join(dataDir, 'ended', spec))),
      results: (spec) => queue.results(spec),
      waiting: () => queue.waiting(),
      leakedSlots: () => Promise.resolve(allocatedSlots(join(dataDir, 'slots'))),
      stop: () => disposal.disposeAsync(),
    };
  } catch (error) {
    await ends.disposeAsync();
    throw error;
  }
}

async function makeQueue(url: string): Promise<void> {
  const connection = await connectNats({ url, name: 'chaos' });
  await ensureStreams(connection);
  await ensureTaskConsumer(connection, defaultPlace, ackWaitSeconds * 1000);
  await connection.close();
}

function endedTasks(folder: string): ReadonlyMap<string, string> {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return new Map(names.map((id) => [id, readFileSync(join(folder, id), 'utf8')]));
}

function allocatedSlots(folder: string) {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names
    .filter((name) => name.endsWith('.allocated'))
    .map((name) => ({ key: readFileSync(join(folder, name), 'utf8'), what: 'still allocated' }));
}
