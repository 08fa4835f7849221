import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { publishDeadLetter, type NatsConnection } from '@necrocode/messaging';
import { subjects } from '@necrocode/contracts';
import { createOpenAiClient, type LlmClient } from '@necrocode/llm';
import { toolchainIdentity, type Sandbox } from '@necrocode/sandbox';
import type { Logger, Mask } from '@necrocode/telemetry';
import { openCredentialsDirectory } from '@necrocode/workspace';
import type { RunnerConfig } from './config/config-schema.js';
import { endpointsOf } from './connections.js';
import { createArtifactStoreClient } from './outputs/artifact-store.client.js';
import { OwnSlots } from './outputs/own-slots.js';
import { createRepoPoolClient } from './outputs/repo-pool.client.js';
import { FileSpool } from './outputs/spool.js';
import { createTaskRegistryClient, type TaskRegistryClient } from './outputs/task-registry.client.js';
import type { Models } from './pipeline/model-choice.js';
import { CancelDesk } from './pipeline/cancel-desk.js';
import type { OpenSetupCache } from './pipeline/ports.js';
import { SensitiveFiles } from './pipeline/sensitive-files.js';
import type { PipelineSettings, Services } from './pipeline/services.js';
import { SetupCacheDirectory } from './setup-cache/setup-cache.js';
import { setupKey } from './setup-cache/setup-key.js';

interface Ingredients {
  readonly config: RunnerConfig;
  readonly runnerId: string;
  /** Absent where a task is run without NATS: then nobody watches live, and dead letters are only logged. */
  readonly connection?: NatsConnection;
  readonly sandbox: Sandbox;
  readonly log: Logger;
  readonly mask: Mask;
  readonly shutdown: AbortSignal;
}

export interface RunnerServices extends Services {
  readonly registry: TaskRegistryClient;
  readonly spool: FileSpool;
  readonly ownSlots: OwnSlots;
  close(): void;
}

/** Picks the concrete class behind every port of the pipeline: the only place that does. */
export function createServices(ingredients: Ingredients): RunnerServices {
  const { config, runnerId, connection, sandbox, log, mask, shutdown } = ingredients;
  const settings = pipelineSettings(config);
  const credentialsDir = openCredentialsDirectory(settings.git.credentialsDir);
  const endpoints = endpointsOf(config);
  const registry = createTaskRegistryClient(endpoints.taskRegistry, runnerId, config.lease_seconds, mask);
  const ownSlots = new OwnSlots(join(resolve(config.data_dir), 'slots'), sandbox);
  const pool = createRepoPoolClient(
    endpoints.repoPool,
    { runnerId, leaseSeconds: config.lease_seconds, slotWaitSeconds: config.slot_wait_seconds },
    ownSlots,
  );
  const store = createArtifactStoreClient(endpoints.artifactStore);
  return {
    runnerId,
    registry,
    pool,
    store,
    ownSlots,
    spool: new FileSpool({
      directory: config.spool_dir ?? join(config.data_dir, 'spool'),
      maxBytes: config.spool_max_mb * 1_048_576,
      maxAgeMs: config.spool_max_age_hours * 3_600_000,
      registry,
      store,
      mask,
      log,
    }),
    models: createModels(config),
    sandbox,
    openSetupCache: setupCacheOf(config, sandbox, log),
    settings: { ...settings, git: { ...settings.git, credentialsDir } },
    log,
    logLevel: config.log_level,
    mask,
    tellLive: (key, line) => {
      if (connection && !connection.isClosed()) connection.publish(subjects.logs(key), line);
    },
    bury: async ({ delivery, code, reason }) => {
      if (!connection) return;
      await publishDeadLetter(connection, {
        queue: delivery.place.queue,
        subject: delivery.subject,
        original: delivery.body,
        code,
        reason: mask(reason),
        attempts: delivery.deliveries,
        headers: delivery.headers,
        id: `dead-${delivery.messageId}`,
      });
    },
    cancels: new CancelDesk(),
    shutdown,
    close: () => {
      rmSync(credentialsDir, { recursive: true, force: true });
      [registry, pool, store].forEach((client) => client.close());
    },
  };
}

function setupCacheOf(
  { data_dir, sandbox: settings }: RunnerConfig,
  sandbox: Sandbox,
  log: Logger,
): OpenSetupCache {
  const { enabled, dir, max_mb, max_age_hours } = settings.setup_cache;
  // Below full, commands could write into it.
  if (!enabled || sandbox.level !== 'full') return () => Promise.resolve(undefined);
  const cache = new SetupCacheDirectory({
    directory: resolve(dir ?? join(data_dir, 'setup-cache')),
    maxBytes: max_mb * 1_048_576,
    maxAgeMs: max_age_hours * 3_600_000,
    log,
  });
  return async (subject) => {
    const toolchain = await toolchainIdentity();
    return { ...(await setupKey(subject, toolchain, settings.setup_network.hosts)), cache };
  };
}

function createModels({ llm }: RunnerConfig): Models {
  const { fallbacks } = llm;
  const preferred = { client: createLlm(llm, llm, fallbacks.length > 0), format: llm.answer_format };
  const others = fallbacks.map((other, index) => ({
    client: createLlm(llm, other, index + 1 < fallbacks.length),
    format: other.answer_format ?? llm.answer_format,
  }));
  return [preferred, ...others];
}

function createLlm(
  llm: RunnerConfig['llm'],
  { model, base_url }: { readonly model: string; readonly base_url?: string | undefined },
  hasSuccessor: boolean,
): LlmClient {
  const patience = hasSuccessor ? llm.fallback_after_seconds : llm.patience_seconds;
  return createOpenAiClient({
    // Endpoints without authentication still want a bearer token of some kind.
    apiKey: llm.api_key ?? 'none',
    baseUrl: base_url ?? llm.base_url,
    model,
    callTimeoutMs: llm.timeout_seconds * 1000,
    patienceMs: patience * 1000,
    maxRetries: llm.max_retries,
    timeoutRetries: hasSuccessor ? 0 : llm.timeout_retries,
    maxRetryWaitMs: llm.max_retry_wait_seconds * 1000,
    prices: llm.prices,
  });
}

/** Whoever has a repository there cannot see the token that the forge is given. */
const publicForges = [
  'github.com',
  'gitlab.com',
  'bitbucket.org',
  'codeberg.org',
  'dev.azure.com',
  '*.visualstudio.com',
];

/** What the pipeline needs to know of the settings. */
export function pipelineSettings(config: RunnerConfig): PipelineSettings {
  const { git, task, sandbox } = config;
  const httpAllowed = git.http_hosts.length > 0 ? ['http'] : [];
  return {
    leases: { leaseSeconds: config.lease_seconds, patienceMs: config.lease_patience_seconds * 1000 },
    timeoutSeconds: task.timeout_seconds,
    stageTimeouts: config.stage_timeout_seconds,
    budget: task,
    promptTokens: config.llm.prompt_tokens,
    conversationTokens: config.llm.conversation_tokens ?? 2 * config.llm.prompt_tokens,
    requireTests: task.require_tests,
    commandTimeoutMs: sandbox.command_timeout_seconds * 1000,
    outputLimitBytes: sandbox.output_limit_bytes,
    limits: {
      memoryMb: sandbox.memory_mb,
      cpuSeconds: sandbox.cpu_seconds,
      ...(sandbox.cpus !== undefined && { cpus: sandbox.cpus }),
      processes: sandbox.processes,
      fileSizeMb: sandbox.file_size_mb,
      diskMb: sandbox.disk_mb,
      temporaryMb: sandbox.tmp_mb,
      openFiles: sandbox.open_files,
      outputBytes: sandbox.output_max_bytes,
    },
    git: {
      token: git.token,
      tokenHosts: git.token_hosts ?? [
        ...publicForges,
        ...git.hosts.filter((host) => host !== '*'),
        ...git.http_hosts,
      ],
      protocols: [...git.protocols, ...httpAllowed],
      httpHosts: git.http_hosts,
      hosts: git.hosts,
      branches: git.branches,
      credentialsDir: join(config.data_dir, 'credentials'),
      retries: { tries: git.push_tries, patienceMs: git.patience_seconds * 1000 },
    },
    sensitiveFiles: new SensitiveFiles({
      sensitive: config.workspace.sensitive_files,
      allowed: config.workspace.allow_sensitive_files,
    }),
    reportWaitMs: config.report_wait_seconds * 1000,
    tokensInChanges: config.secrets.tokens_in_changes,
    author: { name: git.author_name, email: git.author_email },
  };
}
