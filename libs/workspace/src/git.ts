import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { simpleGit, type SimpleGit } from 'simple-git';

/** A git dir and its work tree, which are never found by looking around: both are always explicit. */
export interface GitPlace {
  readonly gitDir: string;
  /** Absent for a bare repository. */
  readonly workTree?: string;
}

export interface GitOptions {
  /** Protocols that git may speak, such as https, ssh, http, file. */
  readonly protocols: readonly string[];
  /** Environment of a credential helper (GIT_ASKPASS and what it needs). */
  readonly credentials?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** What git printed when it failed, for translation into an error code; never shown as it is. */
export class GitError extends Error {
  constructor(
    readonly command: string,
    readonly exitCode: number | null,
    readonly stderr: string,
  ) {
    super(`git ${command} exited with ${exitCode ?? 'a signal'}`);
    this.name = 'GitError';
  }
}

/**
 * Runs git on one place, trusting nothing but its arguments: no system or global configuration, no
 * prompts, an environment of its own, protocols by allow-list.
 */
export class Git {
  private readonly environment: Record<string, string>;

  constructor(
    readonly place: GitPlace,
    private readonly options: GitOptions,
  ) {
    this.environment = gitEnvironment(options);
  }

  /** Porcelain and network commands, through simple-git. Returns standard output as text. */
  async run(...args: string[]): Promise<string> {
    try {
      return await this.porcelain().raw([...this.placeArguments(), ...args]);
    } catch (error) {
      this.options.signal?.throwIfAborted();
      throw new GitError(args[0] ?? '', null, error instanceof Error ? error.message : String(error));
    }
  }

  /** Plumbing commands whose input and output are bytes. */
  pipe(args: readonly string[], input: Iterable<Uint8Array | string> = []): Promise<Buffer> {
    return runBytes([...this.placeArguments(), ...args], input, this.environment, this.options.signal);
  }

  private placeArguments(): string[] {
    const { gitDir, workTree } = this.place;
    return [`--git-dir=${gitDir}`, ...(workTree === undefined ? [] : [`--work-tree=${workTree}`])];
  }

  private porcelain(): SimpleGit {
    return simpleGit({
      baseDir: this.place.workTree ?? this.place.gitDir,
      abort: this.options.signal,
      trimmed: false,
      unsafe: { allowUnsafeConfigPaths: true, allowUnsafeAskPass: true, allowUnsafeProtocolOverride: true },
      allowEnvironment: Object.keys(this.environment),
    }).env(this.environment);
  }
}

/** Names of the ambient environment that git needs to reach the network, and nothing else. */
const ambient = [
  'PATH',
  'HOME',
  'SSH_AUTH_SOCK',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GIT_SSL_CAINFO',
  'https_proxy',
  'http_proxy',
  'no_proxy',
  'TMPDIR',
];

const fileRemotesConfig = join(import.meta.dirname, '../git-config/file-remotes.gitconfig');

function gitEnvironment({ protocols, credentials }: GitOptions): Record<string, string> {
  const inherited = ambient.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(inherited),
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: protocols.includes('file') ? fileRemotesConfig : '/dev/null',
    // A connection that brings nothing any more is given up, in bytes per second and seconds.
    GIT_HTTP_LOW_SPEED_LIMIT: '1',
    GIT_HTTP_LOW_SPEED_TIME: '60',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_ALLOW_PROTOCOL: protocols.join(':'),
    ...credentials,
  };
}

function runBytes(
  args: readonly string[],
  input: Iterable<Uint8Array | string>,
  env: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    // A group of its own: git starts helpers for its transports, which must end with it.
    const child = spawn('git', args, { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const endGroup = () => killGroup(child.pid);
    signal?.addEventListener('abort', endGroup, { once: true });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    // git may exit before it has read everything; its exit code tells why.
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', (code) => {
      signal?.removeEventListener('abort', endGroup);
      if (signal?.aborted) reject(signal.reason as Error);
      else if (code === 0) resolve(Buffer.concat(out));
      else
        reject(new GitError(args.find((a) => !a.startsWith('-')) ?? '', code, Buffer.concat(err).toString()));
    });
    for (const chunk of input) child.stdin.write(chunk);
    child.stdin.end();
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
