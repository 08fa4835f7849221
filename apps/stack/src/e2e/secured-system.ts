import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CertificateAuthority, startNats, startService, tempDir } from '@necrocode/testkit';
import { workspaceRoot } from '../workspace-root.js';

/** Every connection with certificates on both sides, and the NATS users of deploy/nats. */
export interface SecuredSystem extends AsyncDisposable {
  readonly authority: CertificateAuthority;
  /** Passwords of the NATS users. */
  readonly passwords: Readonly<Record<string, string>>;
  /** For a command line that may do everything. */
  readonly operator: Readonly<Record<string, string>>;
  readonly llm: string;
  /** What the runner has logged. */
  log(): string;
}

export interface Ran {
  readonly exitCode: number | null;
  readonly out: string;
  readonly notes: string;
}

const roles = ['publisher', 'observer', 'operator', 'runner', 'registry'];

/** Starts NATS, the services, the bundled LLM and a runner whose leases are short. */
export async function startSecuredSystem(runnerSettings: string): Promise<SecuredSystem> {
  const folder = tempDir('necrocode-secured-');
  const authority = new CertificateAuthority();
  const server = authority.issue({ host: '127.0.0.1' });
  const passwords = Object.fromEntries(roles.map((role) => [role, `spec-${role}-hidden-word`]));
  const named = Object.entries(passwords).map(([role, word]) => [
    `NATS_${role.toUpperCase()}_PASSWORD`,
    word,
  ]);
  const nats = await startNats({
    config: join(workspaceRoot, 'deploy/nats/nats-server-tls.conf'),
    environment: {
      ...(Object.fromEntries(named) as Record<string, string>),
      NATS_SERVER_TLS_CA: server.ca,
      NATS_SERVER_TLS_CERT: server.cert,
      NATS_SERVER_TLS_KEY: server.key,
    },
  });
  const natsAs = (role: string) => {
    const file = join(folder, `${role}-password`);
    writeFileSync(file, `${passwords[role]}\n`, { mode: 0o600 });
    const own = tlsOf('NATS', authority.issue({ host: role }));
    return { NATS_URL: nats.url, NATS_USER: role, NATS_PASSWORD_FILE: file, ...own };
  };
  const listening = tlsOf('LISTEN', server);
  const registry = await startService('task-registry-mock', { ...listening, ...natsAs('registry') });
  const pool = await startService('repo-pool-mock', { ...listening, GIT_ALLOWED_PROTOCOLS: 'file' });
  const store = await startService('artifact-store-mock', listening);
  const llm = await startService('llm-mock');
  const services = (holder: string) => {
    const own = authority.issue({ host: holder });
    return {
      TASK_REGISTRY_URL: registry.address,
      REPO_POOL_URL: pool.address,
      ARTIFACT_STORE_URL: store.address,
      ...tlsOf('TASK_REGISTRY', own),
      ...tlsOf('REPO_POOL', own),
      ...tlsOf('ARTIFACT_STORE', own),
    };
  };
  const config = join(folder, 'runner.yaml');
  writeFileSync(config, runnerSettings);
  const runner = await startRunner({
    ...services('runner'),
    ...natsAs('runner'),
    NECROCODE_CONFIG: config,
    OPENAI_BASE_URL: `http://${llm.address}/v1`,
    RUNNER_DATA_DIR: join(folder, 'runner'),
    RUNNER_HTTP_PORT: '0',
  });
  return {
    authority,
    passwords,
    operator: { ...services('operator'), ...natsAs('operator') },
    llm: `http://${llm.address}`,
    log: runner.log,
    async [Symbol.asyncDispose]() {
      await end(runner.child);
      await Promise.all([registry, pool, store, llm].map((service) => service.end()));
      await nats.stop();
    },
  };
}

/** The command line in a process of its own, with this environment alone. */
export async function necro(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Ran> {
  const child = spawn(process.execPath, [join(workspaceRoot, 'apps/cli/bin/necro.js'), ...words], {
    cwd: tempDir('necrocode-cli-'),
    env: { ...basics(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, notes] = [collect(child.stdout), collect(child.stderr)];
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, out: out(), notes: notes() };
}

function tlsOf(name: string, files: { readonly ca: string; readonly cert: string; readonly key: string }) {
  return { [`${name}_TLS_CA`]: files.ca, [`${name}_TLS_CERT`]: files.cert, [`${name}_TLS_KEY`]: files.key };
}

async function startRunner(environment: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', '@necrocode/telemetry/register', 'dist/main.js'], {
    cwd: join(workspaceRoot, 'apps/runner'),
    env: { ...basics(), ...environment },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const log = collect(child.stderr);
  const ready = await Promise.race([
    once(child, 'message').then(() => true),
    once(child, 'exit').then(() => false),
  ]);
  if (!ready) throw new Error(`the runner ended at once:\n${log()}`);
  return { child, log };
}

function basics(): Record<string, string> {
  const { PATH = '', TMPDIR } = process.env;
  return { PATH, ...(TMPDIR && { TMPDIR }), NODE_NO_WARNINGS: '1', OTEL_SDK_DISABLED: 'true' };
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
