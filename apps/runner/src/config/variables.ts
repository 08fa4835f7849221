import { tlsVariables } from '../connections.js';

/** Environment variables and the setting that each one overrides. */
export const variables: Readonly<Record<string, readonly string[]>> = {
  RUNNER_ID: ['runner_id'],
  NATS_URL: ['nats_url'],
  NATS_USER: ['nats_user'],
  NATS_PASSWORD: ['nats_password'],
  NATS_CREDS: ['nats_creds'],
  NATS_INBOX_PREFIX: ['nats_inbox_prefix'],
  TASK_REGISTRY_URL: ['task_registry_url'],
  REPO_POOL_URL: ['repo_pool_url'],
  ARTIFACT_STORE_URL: ['artifact_store_url'],
  RUNNER_QUEUES: ['queues'],
  RUNNER_MAX_PARALLEL: ['max_parallel'],
  RUNNER_LEASE_SECONDS: ['lease_seconds'],
  RUNNER_HEARTBEAT_SECONDS: ['heartbeat_seconds'],
  RUNNER_ACK_WAIT_SECONDS: ['ack_wait_seconds'],
  RUNNER_DATA_DIR: ['data_dir'],
  RUNNER_SPOOL_DIR: ['spool_dir'],
  RUNNER_HTTP_HOST: ['http', 'host'],
  RUNNER_HTTP_PORT: ['http', 'port'],
  LOG_LEVEL: ['log_level'],
  OPENAI_API_KEY: ['llm', 'api_key'],
  OPENAI_BASE_URL: ['llm', 'base_url'],
  LLM_MODEL: ['llm', 'model'],
  LLM_TIMEOUT_SECONDS: ['llm', 'timeout_seconds'],
  LLM_PATIENCE_SECONDS: ['llm', 'patience_seconds'],
  GIT_TOKEN: ['git', 'token'],
  GIT_HOSTS: ['git', 'hosts'],
  GIT_TOKEN_HOSTS: ['git', 'token_hosts'],
  GIT_PATIENCE_SECONDS: ['git', 'patience_seconds'],
  SHUTDOWN_GRACE_SECONDS: ['shutdown_grace_seconds'],
  SANDBOX_REQUIRED: ['sandbox', 'required'],
  ...tlsVariables('nats_tls', 'task_registry_tls', 'repo_pool_tls', 'artifact_store_tls'),
  SANDBOX_SOCKET: ['sandbox', 'socket'],
  SANDBOX_SETUP_SOCKET: ['sandbox', 'setup_socket'],
  SANDBOX_SETUP_HOSTS: ['sandbox', 'setup_network', 'hosts'],
  SANDBOX_SETUP_CACHE: ['sandbox', 'setup_cache', 'enabled'],
};

/** Values of these are lists, separated by commas. */
export const listVariables = new Set([
  'RUNNER_QUEUES',
  'GIT_HOSTS',
  'GIT_TOKEN_HOSTS',
  'SANDBOX_SETUP_HOSTS',
]);
/** These may also be given as the path of a file, in `<name>_FILE`. */
export const secretVariables = new Set(['OPENAI_API_KEY', 'GIT_TOKEN', 'NATS_PASSWORD', 'NATS_CREDS']);
