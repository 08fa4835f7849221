import { z } from 'zod';
import { queuePattern, sandboxLevels } from '@necrocode/contracts';
import { readHostPattern } from '@necrocode/sandbox';
import { clientTls } from '../connections.js';
import { defaultSensitiveFiles } from '../pipeline/sensitive-files.js';
import { answerFormats } from '../prompt/answer-format.js';

const seconds = z.coerce.number().positive();
const positive = z.coerce.number().int().min(1);
const address = z.string().min(1);
const host = z
  .string()
  .refine((text) => readHostPattern(text) !== undefined, 'must be a host, host:port, *.domain or *');

/** Settings of a runner: `config/config.yaml`, overridden by the environment. */
export const configSchema = z.strictObject({
  runner_id: z.string().optional(),
  nats_url: z.string().min(1).default('nats://127.0.0.1:4222'),
  /** For a server with users; also in the URL. */
  nats_user: z.string().min(1).optional(),
  nats_password: z.string().optional(),
  /** Text of a credentials file, instead of user and password. */
  nats_creds: z.string().optional(),
  /** Where replies come to; for a user `_INBOX.<user>`. */
  nats_inbox_prefix: z.string().optional(),
  nats_tls: clientTls('NATS_TLS'),
  task_registry_url: address.default('127.0.0.1:50051'),
  task_registry_tls: clientTls('TASK_REGISTRY_TLS'),
  repo_pool_url: address.default('127.0.0.1:50052'),
  repo_pool_tls: clientTls('REPO_POOL_TLS'),
  artifact_store_url: address.default('127.0.0.1:50053'),
  artifact_store_tls: clientTls('ARTIFACT_STORE_TLS'),
  queues: z.array(z.string().regex(queuePattern)).min(1).default(['default']),
  max_parallel: positive.max(1_000).default(4),
  lease_seconds: positive.default(30),
  /** How long work goes on whose leases nobody answers for. */
  lease_patience_seconds: seconds.default(120),
  /** At most a fifth of ack_wait_seconds. */
  heartbeat_seconds: seconds.default(5),
  ack_wait_seconds: seconds.default(30),
  shutdown_grace_seconds: seconds.default(60),
  /** How long an exhausted pool is waited for inside an attempt. */
  slot_wait_seconds: seconds.default(600),
  /** Seconds that each stage of a task may take; the task's own time-out holds beside them. */
  stage_timeout_seconds: z
    .strictObject({
      /** More than slot_wait_seconds. */
      lease_slot: seconds.default(900),
      prepare_workspace: seconds.default(600),
      setup: seconds.default(1_800),
      propose_change: seconds.default(1_200),
      apply_change: seconds.default(120),
      run_tests: seconds.default(1_800),
      decide_commit: seconds.default(300),
      push: seconds.default(600),
      upload_artifacts: seconds.default(300),
      /** More than report_wait_seconds. */
      report: seconds.default(600),
      release_slot: seconds.default(60),
    })
    .prefault({}),
  /** Files that the runner needs while a task runs. */
  data_dir: z.string().default('.necrocode/runner'),
  /** Where reports and artifacts wait that could not be told; by default `spool` in data_dir. */
  spool_dir: z.string().min(1).optional(),
  spool_max_mb: positive.default(512),
  /** What could not be told for so long is dropped. */
  spool_max_age_hours: seconds.default(72),
  /** How long a report in the spool is waited for before its message is given back. */
  report_wait_seconds: seconds.default(300),
  log_level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  http: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.coerce.number().int().min(0).max(65_535).default(8080),
    })
    .prefault({}),
  /** What a task gets that says nothing else. */
  task: z
    .strictObject({
      timeout_seconds: seconds.default(1_800),
      max_rounds: positive.default(3),
      max_tokens: positive.default(200_000),
      max_cost_usd: z.coerce.number().positive().optional(),
      /** Answers of the model, requests for files included. */
      max_llm_calls: positive.default(25),
      /** Of the rounds of a run, over all of its attempts; without it only timeout_seconds bounds an attempt. */
      max_seconds: seconds.optional(),
      /** Fail a task for whose repository no test command is known, instead of saying so. */
      require_tests: z.stringbool().or(z.boolean()).default(false),
    })
    .prefault({}),
  llm: z
    .strictObject({
      api_key: z.string().optional(),
      base_url: z.url().optional(),
      model: z.string().min(1).default('gpt-5.1'),
      /** How the model writes its changes: one JSON object, or blocks with the code outside JSON. */
      answer_format: z.enum(answerFormats).default('json'),
      /** Asked in this order when the model before is away or keeps failing to answer in form. */
      fallbacks: z
        .array(
          z.strictObject({
            model: z.string().min(1),
            base_url: z.url().optional(),
            answer_format: z.enum(answerFormats).optional(),
          }),
        )
        .default([]),
      timeout_seconds: seconds.default(120),
      /** Ends the patience sooner: requests after the first one. */
      max_retries: z.coerce.number().int().min(0).optional(),
      /** How long a request that the endpoint refuses, or is not there for, is made again. */
      patience_seconds: z.coerce.number().min(0).default(120),
      /** The same for a model that has another one behind it in fallbacks. */
      fallback_after_seconds: z.coerce.number().min(0).default(15),
      /** How often a request that timed out is made again; not where there is another model to ask. */
      timeout_retries: z.coerce.number().int().min(0).default(1),
      /** A server that asks for a longer wait is given up on. */
      max_retry_wait_seconds: seconds.default(120),
      /** Of the first request, estimated. */
      prompt_tokens: positive.default(60_000),
      /** Of later requests, which hold what was said before; twice prompt_tokens by default. */
      conversation_tokens: positive.optional(),
      /** USD per million tokens, by the beginning of the model's name. */
      prices: z
        .record(z.string(), z.strictObject({ input: z.number(), cached: z.number(), output: z.number() }))
        .optional(),
    })
    .prefault({}),
  git: z
    .strictObject({
      token: z.string().optional(),
      protocols: z.array(z.enum(['https', 'ssh', 'file'])).default(['https', 'ssh']),
      /** Hosts that repositories may be on: `host`, `host:port`, `*.domain`, or `*`. */
      hosts: z.array(z.string().min(1)).default(['*']),
      /** Hosts that are given the token; by default the public forges, and those that hosts and http_hosts name. */
      token_hosts: z.array(z.string().min(1)).optional(),
      /** Branches that may be pushed: `*` stands for anything but "/", `**` for anything. */
      branches: z.array(z.string().min(1)).default(['**']),
      /** Hosts for which plain http is allowed. */
      http_hosts: z.array(z.string()).default([]),
      author_name: z.string().default('NecroCode Runner'),
      author_email: z.string().default('runner@necrocode.invalid'),
      /** Tries of a push, or of another operation, that fails for a reason that may pass. */
      push_tries: positive.default(3),
      /** How long a remote that cannot be reached is tried again, before the task is given back. */
      patience_seconds: z.coerce.number().min(0).default(90),
    })
    .prefault({}),
  secrets: z
    .strictObject({
      /** Whether a change may bring in a text that has the form of a token. */
      tokens_in_changes: z.enum(['refuse', 'allow']).default('refuse'),
    })
    .prefault({}),
  workspace: z
    .strictObject({
      /** Files that no change may touch, as patterns of a .gitignore; a list of one's own replaces the default. */
      sensitive_files: z.array(z.string().min(1)).default([...defaultSensitiveFiles]),
      /** Of them, those that changes may touch after all. */
      allow_sensitive_files: z.array(z.string().min(1)).default([]),
    })
    .prefault({}),
  sandbox: z
    .strictObject({
      /** The lowest level at which commands of a task may run. */
      required: z.enum(sandboxLevels).default('full'),
      /** Unix socket of a sandbox server in another container, which then runs all commands. */
      socket: z.string().min(1).optional(),
      /** The same for setup commands, in a container with network; absent: they have none. */
      setup_socket: z.string().min(1).optional(),
      command_timeout_seconds: seconds.default(900),
      /** What is kept of a command's output; more than output_max_bytes ends it. */
      output_limit_bytes: positive.default(10_000_000),
      output_max_bytes: positive.default(200_000_000),
      /** Of a command with all that it starts: memory, CPU time, processes and threads, disk. */
      memory_mb: positive.default(4_096),
      cpu_seconds: positive.default(3_600),
      /** How many CPUs it may keep busy; holds where there are control groups. */
      cpus: seconds.optional(),
      processes: positive.default(4_096),
      disk_mb: positive.default(10_240),
      /** Of /tmp, which is in memory. */
      tmp_mb: positive.default(1_024),
      /** Of each process of a command. */
      file_size_mb: positive.default(4_096),
      open_files: positive.default(16_384),
      /** What commands of setup reach at level full; below it they have the network of the host. */
      setup_network: z
        .strictObject({
          hosts: z.array(host).default([]),
          max_connections: positive.default(256),
          /** Of one command, in both directions together. */
          max_mb: positive.default(8_192),
        })
        .prefault({}),
      /** Keeps what setup leaves, for tasks with the same setup; at level full only. */
      setup_cache: z
        .strictObject({
          enabled: z.stringbool().or(z.boolean()).default(true),
          /** By default `setup-cache` in data_dir. Whoever can write there decides what tests run. */
          dir: z.string().min(1).optional(),
          max_mb: positive.default(10_240),
          max_age_hours: seconds.default(168),
        })
        .prefault({}),
    })
    .prefault({}),
});

export type RunnerConfig = Readonly<z.infer<typeof configSchema>>;
