import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { keyOfCancelSubject, shownNatsUrl, subjects } from '@necrocode/contracts';
import { connectNats, LifeSigns, TaskTransport, type NatsConnection } from '@necrocode/messaging';
import { checkHealth, type GrpcEndpoint } from '@necrocode/rpc';
import type { Sandbox } from '@necrocode/sandbox';
import { gauge, type Logger } from '@necrocode/telemetry';
import { AppModule } from './app.module.js';
import type { RunnerConfig } from './config/config-schema.js';
import { makeRunnerId } from './config/load-config.js';
import { endpointsOf, natsAccessOf } from './connections.js';
import { Readiness } from './health/readiness.js';
import { maskFor, unmaskable } from './mask-for.js';
import { nestLog } from './nest-log.js';
import { openSandbox, reachWarning, sandboxRank, setupReach } from './open-sandbox.js';
import { createServices, type RunnerServices } from './runner-services.js';

const version = '0.1.0';
/** How often the runner tells the registry that it is there. */
const announceMs = 15_000;
const healthDeadlineMs = 1_500;
const longestGiveBackMs = 10_000;
const longestDisconnectMs = 3_000;
/** How long the first pull waits for what is in the spool. */
const spoolFirstMs = 5_000;

export interface RunningRunner {
  readonly runnerId: string;
  /** Of health and metrics. */
  readonly httpPort: number;
  /**
   * Stops pulling, lets tasks finish, gives the others back, all within the grace period. Returns whether
   * all finished.
   */
  drain(): Promise<{ readonly finished: boolean }>;
}

/** Starts a runner: sandbox, NATS, services, HTTP, then the first pull. */
export async function startRunner(config: RunnerConfig, log: Logger): Promise<RunningRunner> {
  const mask = maskFor(config);
  const runnerId = makeRunnerId(config);
  for (const setting of unmaskable(config)) {
    log.warn({ setting }, 'this secret is too short to be hidden: text may show it');
  }
  const sandbox = await openSandbox(config.sandbox);
  const reach = setupReach(config.sandbox, sandbox.level);
  log.info(
    { runner_id: runnerId, sandbox: sandbox.level, detail: sandbox.detail, setup_network: reach },
    'runner starting',
  );
  const warning = reachWarning(reach);
  if (warning) log.warn({ setup_network: reach }, warning);
  const nats = { ...natsAccessOf(config), name: runnerId };
  const connection = await connectNats(nats, {
    tell: (trouble) => log.warn({ trouble }, 'waiting for NATS'),
  });
  const lifeSigns = new LifeSigns({ nats, logger: log });
  const shutdown = new AbortController();
  const services = createServices({
    config,
    runnerId,
    connection,
    sandbox,
    log,
    mask,
    shutdown: shutdown.signal,
  });
  const transport = new TaskTransport({
    connection,
    lifeSigns,
    queues: config.queues,
    maxParallel: config.max_parallel,
    ackWaitMs: config.ack_wait_seconds * 1000,
    heartbeatMs: config.heartbeat_seconds * 1000,
    logger: log,
  });
  let draining = false;
  const readiness = new Readiness(dependenciesOf(config, connection), () => ({
    runner_id: runnerId,
    sandbox: sandbox.level,
    setup_network: reach,
    busy: transport.busy,
    draining,
  }));
  gauge('necrocode.tasks.in_flight', 'Tasks that the runner works on', () => transport.busy);
  gauge('necrocode.tasks.limit', 'Tasks that the runner works on at most', () => config.max_parallel);
  gauge('necrocode.sandbox.level', 'Sandbox level: 3 full, 2 pid, 1 container, 0 none', () =>
    sandboxRank(sandbox.level),
  );
  const app = await NestFactory.create(AppModule.with(services, readiness), {
    logger: nestLog(log),
  });
  app.connectMicroservice({ strategy: transport });
  await services.ownSlots.clear();
  // What an earlier runner could not tell comes before new work, which may be the same.
  await endsWithin(services.spool.start(), spoolFirstMs);
  const stopAnnouncing = announce(services, config, sandbox, log);
  const stopListening = listenForCancels(connection, services);
  await app.startAllMicroservices();
  await app.listen(config.http.port, config.http.host);
  log.info({ runner_id: runnerId, queues: config.queues, max_parallel: config.max_parallel }, 'runner ready');

  return {
    runnerId,
    httpPort: portOf(app),
    async drain() {
      draining = true;
      stopAnnouncing();
      const grace = gracePeriod(config);
      const closed = transport.close();
      const finished = await endsWithin(closed, grace.finishMs);
      if (!finished) {
        log.warn({ busy: transport.busy }, 'the grace period is over: giving tasks back');
        shutdown.abort();
        await endsWithin(closed, grace.giveBackMs);
      }
      const disconnect = async () => {
        stopListening();
        await app.close();
        await connection.drain();
        await lifeSigns.close();
        await services.spool.close();
        services.close();
      };
      // Whatever does not answer now has nothing to lose: leases run out, and the spool is on disk.
      await endsWithin(disconnect(), grace.disconnectMs);
      return { finished };
    },
  };
}

/**
 * The parts of the grace period, in milliseconds: for tasks to finish, to be given back, and for
 * connections to close.
 */
export function gracePeriod(config: RunnerConfig) {
  const graceMs = config.shutdown_grace_seconds * 1000;
  const giveBackMs = Math.min(graceMs / 4, longestGiveBackMs);
  const disconnectMs = Math.min(graceMs / 8, longestDisconnectMs);
  return { finishMs: graceMs - giveBackMs - disconnectMs, giveBackMs, disconnectMs };
}

function dependenciesOf(config: RunnerConfig, connection: NatsConnection) {
  const { taskRegistry, repoPool, artifactStore } = endpointsOf(config);
  const grpc = (endpoint: GrpcEndpoint) => ({
    required: true,
    check: () => checkHealth(endpoint, healthDeadlineMs),
  });
  return {
    nats: {
      required: true,
      check: async () => {
        const answer = await connection.rtt().catch(() => undefined);
        return answer === undefined ? `no answer from ${shownNatsUrl(config.nats_url)}` : undefined;
      },
    },
    task_registry: grpc(taskRegistry),
    repo_pool: grpc(repoPool),
    artifact_store: grpc(artifactStore),
    // Not required: asking costs nothing, but an endpoint may offer no list of models.
    llm: { required: false, check: () => checkLlm(config) },
  };
}

async function checkLlm({ llm }: RunnerConfig): Promise<string | undefined> {
  const base = (llm.base_url ?? 'https://api.openai.com/v1').replace(/\/$/, '');
  const headers = llm.api_key ? { authorization: `Bearer ${llm.api_key}` } : undefined;
  try {
    const response = await fetch(`${base}/models`, {
      headers,
      signal: AbortSignal.timeout(healthDeadlineMs),
    });
    await response.body?.cancel();
    if (response.status === 401 || response.status === 403) return 'the key is not accepted';
    return response.status >= 500 ? `answers ${response.status}` : undefined;
  } catch {
    return 'does not answer';
  }
}

function announce(services: RunnerServices, config: RunnerConfig, sandbox: Sandbox, log: Logger): () => void {
  const identity = {
    runnerId: services.runnerId,
    hostname: hostname(),
    queues: config.queues,
    maxParallel: config.max_parallel,
    version,
    sandbox: sandbox.level,
  };
  const tell = () =>
    void services.registry
      .register(identity)
      .catch((error: unknown) => log.warn({ error }, 'the registry was not told of this runner'));
  tell();
  const timer = setInterval(tell, announceMs);
  return () => clearInterval(timer);
}

function listenForCancels(connection: NatsConnection, services: RunnerServices): () => void {
  const subscription = connection.subscribe(subjects.allCancels, {
    callback: (_error, message) => {
      const key = keyOfCancelSubject(message.subject);
      if (key) services.cancels.cancel(key);
    },
  });
  return () => subscription.unsubscribe();
}

function portOf(app: INestApplication): number {
  const server = app.getHttpServer() as { address(): AddressInfo };
  return server.address().port;
}

async function endsWithin(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), milliseconds)));
  const ended = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return ended;
}
