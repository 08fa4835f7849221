import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findTool, freePort, requireTool } from '@necrocode/host-tools';
import { registryHosts, usualRegistries } from '@necrocode/sandbox';
import { workspaceRoot } from './workspace-root.js';
import type { ProcessPlan } from './supervised-process.js';

export interface StackOptions {
  readonly runners: number;
  readonly maxParallel: number;
  readonly dataDir: string;
  /** Where services and runners keep their state; absent: `dataDir`. */
  readonly stateDir?: string;
  /**
   * Script of the bundled LLM, which then answers whatever the environment says of another; absent: the
   * script for the sample task, where the environment names no LLM.
   */
  readonly llmScript?: string;
  /** Form in which the model is asked to answer; json by default. */
  readonly answerFormat?: 'json' | 'blocks';
  /** YAML that is added to the settings of the runners. */
  readonly runnerSettings?: string;
  /** Added to the environment of every process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Address of an LLM; absent: the environment's, else the bundled one. */
  readonly llmBaseUrl?: string;
  /** Environment of one runner, counted from 1, over all else: so that a proxy can stand between it and the others. */
  readonly runnerEnvironment?: (
    number: number,
    addresses: StackPlan['addresses'],
  ) => Promise<Readonly<Record<string, string>>>;
}

export interface StackPlan {
  readonly addresses: {
    readonly nats_url: string;
    readonly task_registry: string;
    readonly repo_pool: string;
    readonly artifact_store: string;
    readonly llm_base_url: string;
  };
  /** Undefined where the user's own NATS is used. */
  readonly nats: ProcessPlan | undefined;
  readonly services: readonly ProcessPlan[];
  /** Where the services serve their metrics, by name. */
  readonly metrics: Readonly<Record<string, string>>;
  readonly runners: readonly { readonly id: string; readonly http: string; readonly plan: ProcessPlan }[];
}

const openAi = 'https://api.openai.com/v1';

/** Decides ports, folders and settings of every process. What the environment names is used instead. */
export async function planStack(options: StackOptions, tell: (line: string) => void): Promise<StackPlan> {
  const { dataDir, stateDir = dataDir } = options;
  mkdirSync(dataDir, { recursive: true });
  const loopback = async () => `127.0.0.1:${await freePort()}`;
  const own = {
    nats: await freePort(),
    task_registry: await loopback(),
    repo_pool: await loopback(),
    artifact_store: await loopback(),
    llm: await loopback(),
  };
  const metrics = {
    'task-registry-mock': await loopback(),
    'repo-pool-mock': await loopback(),
    'artifact-store-mock': await loopback(),
  };
  const { NATS_URL, OPENAI_API_KEY } = process.env;
  const llmBaseUrl = options.llmBaseUrl || process.env.OPENAI_BASE_URL;
  const scripted = options.llmScript !== undefined || (!llmBaseUrl && !OPENAI_API_KEY);
  const addresses = {
    nats_url: NATS_URL || `nats://127.0.0.1:${own.nats}`,
    task_registry: own.task_registry,
    repo_pool: own.repo_pool,
    artifact_store: own.artifact_store,
    llm_base_url: scripted ? `http://${own.llm}/v1` : llmBaseUrl || openAi,
  };
  const common = { NATS_URL: addresses.nats_url, FAULT_INJECTION: '1', ...options.environment };
  const service = (name: string, environment: Record<string, string>) =>
    appPlan(name, join(stateDir, name), { ...common, ...environment });
  const measured = (name: keyof typeof metrics, environment: Record<string, string>) =>
    service(name, { METRICS_ADDRESS: metrics[name], ...environment });
  const pool = { GIT_ALLOWED_PROTOCOLS: 'https:ssh:http:file', HTTP_HOSTS: loopbackHosts.join(',') };
  return {
    addresses,
    nats: NATS_URL ? undefined : await natsPlan(own.nats, dataDir, tell),
    services: [
      measured('task-registry-mock', { LISTEN_ADDRESS: own.task_registry }),
      measured('repo-pool-mock', { LISTEN_ADDRESS: own.repo_pool, ...pool }),
      measured('artifact-store-mock', { LISTEN_ADDRESS: own.artifact_store }),
      ...(scripted ? [service('llm-mock', llmEnvironment(own.llm, options))] : []),
    ],
    metrics: Object.fromEntries(
      Object.entries(metrics).map(([name, address]) => [name, `http://${address}/metrics`]),
    ),
    runners: await planRunners(options, addresses, common, tell),
  };
}

/** Repositories behind plain http are only accepted from this machine. */
const loopbackHosts = ['localhost', '127.0.0.1'];

function appPlan(name: string, dataDir: string, environment: Record<string, string>): ProcessPlan {
  mkdirSync(dataDir, { recursive: true });
  return {
    name,
    command: process.execPath,
    args: ['--import', '@necrocode/telemetry/register', join('apps', name, 'dist/main.js')],
    cwd: workspaceRoot,
    trusted: false,
    environment: () => ({
      DATA_DIR: dataDir,
      OTEL_SERVICE_NAME: name,
      NODE_NO_WARNINGS: '1',
      ...environment,
    }),
  };
}

async function natsPlan(port: number, dataDir: string, tell: (line: string) => void): Promise<ProcessPlan> {
  const args = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(dataDir, 'nats')];
  return {
    name: 'nats',
    command: await requireTool('nats-server', tell),
    args,
    cwd: dataDir,
    trusted: false,
    // On SIGTERM it ends in order as well, but with exit code 1.
    stopSignal: 'SIGINT',
    environment: () => ({}),
  };
}

function llmEnvironment(address: string, { llmScript }: StackOptions): Record<string, string> {
  return {
    LISTEN_ADDRESS: address,
    LLM_SCRIPT: llmScript ?? join(workspaceRoot, 'examples/sample/llm-script.yaml'),
  };
}

async function planRunners(
  options: StackOptions,
  addresses: StackPlan['addresses'],
  common: Record<string, string>,
  tell: (line: string) => void,
): Promise<StackPlan['runners']> {
  const { runners, maxParallel, dataDir, answerFormat = 'json', runnerSettings = '' } = options;
  const { stateDir = dataDir, runnerEnvironment } = options;
  const bwrap = await requireTool('bwrap', tell).catch(async (error: unknown) => {
    tell(
      `${error instanceof Error ? error.message : 'bubblewrap is missing'} Commands run at a lower sandbox level.`,
    );
    return findTool('bwrap');
  });
  const setupHosts = [...new Set([...usualRegistries, ...registryHosts(process.env)])];
  const named = common.SANDBOX_SETUP_HOSTS ?? process.env.SANDBOX_SETUP_HOSTS;
  tell(
    `setup commands reach ${named ? `only ${named}` : describeHosts(setupHosts)} (SANDBOX_SETUP_HOSTS names others)`,
  );
  const config = join(dataDir, 'runner.yaml');
  const llm = `llm:\n  answer_format: ${answerFormat}\n`;
  const cache = `  setup_cache: { dir: ${JSON.stringify(join(stateDir, 'setup-cache'))} } # of all runners\n`;
  writeFileSync(config, `${developmentSettings}${cache}${llm}${runnerSettings}`);
  const planned = [];
  for (let number = 1; number <= runners; number += 1) {
    const port = String(await freePort());
    const name = `runner-${number}`;
    const environment = {
      SANDBOX_SETUP_HOSTS: process.env.SANDBOX_SETUP_HOSTS || setupHosts.join(','),
      ...common,
      ...(bwrap ? { BWRAP: bwrap, PATH: `${process.env.PATH ?? ''}:${dirname(bwrap)}` } : {}),
      NECROCODE_CONFIG: config,
      TASK_REGISTRY_URL: addresses.task_registry,
      REPO_POOL_URL: addresses.repo_pool,
      ARTIFACT_STORE_URL: addresses.artifact_store,
      OPENAI_BASE_URL: addresses.llm_base_url,
      RUNNER_MAX_PARALLEL: String(maxParallel),
      RUNNER_DATA_DIR: join(stateDir, name),
      RUNNER_HTTP_PORT: port,
      ...(await runnerEnvironment?.(number, addresses)),
    };
    const plan = { ...appPlan('runner', join(stateDir, name), environment), name, trusted: true };
    let id = '';
    planned.push({
      get id() {
        return id;
      },
      http: `http://127.0.0.1:${port}`,
      plan: {
        ...plan,
        // Every process is a runner of its own, also when it takes the place of one that died.
        environment: () => {
          id = `${name}-${randomBytes(3).toString('hex')}`;
          return { ...plan.environment(), RUNNER_ID: id };
        },
      },
    });
  }
  return planned;
}

/** A development machine: repositories on disk and on loopback, and no sandbox where none works. */
const developmentSettings = `# Written at every start of the stack.
git:
  protocols: [https, ssh, file]
  http_hosts: [${loopbackHosts.map((host) => JSON.stringify(host)).join(', ')}]
sandbox:
  required: none
`;

/** The usual ones are many. */
function describeHosts(hosts: readonly string[]): string {
  const others = hosts.filter((host) => !usualRegistries.includes(host));
  return [
    'the package registries of npm, PyPI, crates.io, Go, Maven, Gradle, RubyGems and NuGet',
    ...others,
  ].join(', ');
}
