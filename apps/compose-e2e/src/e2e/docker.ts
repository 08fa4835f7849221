import { execFile, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../../../..');
const mostOutput = 64 * 1_048_576;
const buildMs = 20 * 60_000;
const pullMs = 60_000;

/** The compose project of one test run, with a name, ports and volumes of its own. */
export class ComposeProject {
  constructor(
    readonly name: string,
    private readonly environment: Readonly<Record<string, string>>,
  ) {}

  /** Standard output of `docker compose …`. */
  async compose(...args: string[]): Promise<string> {
    const options = {
      cwd: root,
      env: { ...process.env, ...this.environment, COMPOSE_PROJECT_NAME: this.name, DOCKER_BUILDKIT: '1' },
      maxBuffer: mostOutput,
      timeout: buildMs,
    };
    const { stdout } = await run('docker', ['compose', '--profile', 'e2e', ...args], options);
    return stdout;
  }

  /** Ids of the containers of a service, or of all, stopped ones too. */
  async containers(service?: string): Promise<string[]> {
    const ids = await this.compose('ps', '--all', '--quiet', ...(service ? [service] : []));
    return ids.split('\n').filter((id) => id !== '');
  }

  inspect(container: string, format: string): Promise<string> {
    return docker('inspect', '--format', format, container);
  }

  /** Starts what does not run and waits until all is healthy. */
  async up(runners: number): Promise<void> {
    await this.compose('up', '--detach', '--wait', '--no-recreate', '--scale', `runner=${runners}`);
  }

  async down(): Promise<void> {
    await this.compose('down', '--volumes', '--timeout', '10');
  }
}

export async function docker(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('docker', args, { maxBuffer: mostOutput });
  // The logs of a container come on both.
  return `${stdout}${args[0] === 'logs' ? stderr : ''}`.trim();
}

/**
 * Sees that an image of Jaeger's name is there: its own, or a small OTLP receiver in its place.
 *
 * @returns what it is
 */
export async function provideJaeger(image: string): Promise<'jaeger' | 'stand-in'> {
  const present = await docker('image', 'inspect', '--format', '{{.Config.Cmd}}', image).catch(
    () => undefined,
  );
  if (present !== undefined) return present.includes('otlp-receiver') ? buildStandIn(image) : 'jaeger';
  const pulled = await run('docker', ['pull', '--quiet', image], { timeout: pullMs }).catch(() => undefined);
  return pulled ? 'jaeger' : buildStandIn(image);
}

async function buildStandIn(image: string): Promise<'stand-in'> {
  await run('docker', ['build', '--quiet', '--target', 'otlp-receiver', '--tag', image, '.'], {
    cwd: root,
    env: { ...process.env, DOCKER_BUILDKIT: '1' },
    timeout: buildMs,
  });
  return 'stand-in';
}

/** `necro` as a user runs it, in another directory than the repository's. */
export function necro(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  cwd: string,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, [resolve(root, 'apps/cli/bin/necro.js'), ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, NODE_NO_WARNINGS: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk: Buffer) => (texts[stream] += chunk.toString()));
  }
  return new Promise((done) => child.on('close', (code) => done({ code, ...texts })));
}
