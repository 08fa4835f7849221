import { join } from 'node:path';
import { RunnerError } from '@necrocode/contracts';
import { simpleGit, type SimpleGit } from 'simple-git';
import type { GitDirSeal } from './git-dir-seal.js';
import { runProcess } from './run-process.js';

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
  /** Of the git dir, where untrusted commands run beside it. */
  readonly seal?: GitDirSeal;
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
 * prompts, an environment of its own, protocols by allow-list, no hooks, no redirects; a sealed git dir is
 * brought back to what it was first.
 */
export class Git {
  private readonly environment: Record<string, string>;

  constructor(
    readonly place: GitPlace,
    private readonly options: GitOptions,
  ) {
    this.environment = gitEnvironment(options);
  }

  /**
   * Porcelain and network commands, through simple-git. Returns standard output as text. They start other
   * programs, which may wait for a network and must end with git.
   */
  async run(...args: string[]): Promise<string> {
    const { signal } = this.options;
    try {
      signal?.throwIfAborted();
      this.options.seal?.restore();
      return await this.porcelain().raw([...this.placeArguments(), ...args]);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof RunnerError) throw error;
      throw new GitError(commandOf(args), null, error instanceof Error ? error.message : String(error));
    }
  }

  /** Plumbing commands whose input and output are bytes. */
  async pipe(args: readonly string[], input: Iterable<Uint8Array | string> = []): Promise<Buffer> {
    const command = ['git', ...this.placeArguments(), ...args];
    const { signal, seal } = this.options;
    seal?.restore();
    const finished = await runProcess(command, input, { env: this.environment, signal });
    if (finished.code === 0) return finished.stdout;
    throw new GitError(commandOf(args), finished.code, finished.stderr.toString());
  }

  /** The same git, which writes down in a file what it hears from a remote. */
  tracing(file: string): Git {
    const { credentials } = this.options;
    return new Git(this.place, { ...this.options, credentials: { ...credentials, GIT_TRACE_PACKET: file } });
  }

  private placeArguments(): string[] {
    const { gitDir, workTree } = this.place;
    return [`--git-dir=${gitDir}`, ...(workTree === undefined ? [] : [`--work-tree=${workTree}`])];
  }

  private porcelain(): SimpleGit {
    return simpleGit({
      baseDir: this.place.workTree ?? this.place.gitDir,
      binary: ['sh', gitInGroup],
      abort: this.options.signal,
      trimmed: false,
      unsafe: {
        allowUnsafeAskPass: true,
        allowUnsafeConfigEnvCount: true,
        allowUnsafeCredentialHelper: true,
        allowUnsafeFsMonitor: true,
        allowUnsafeHooksPath: true,
        allowUnsafeConfigPaths: true,
        allowUnsafeCustomBinary: true,
        allowUnsafeProtocolOverride: true,
      },
      allowEnvironment: Object.keys(this.environment),
    }).env(this.environment);
  }
}

/** The name of the command among its options. */
function commandOf(args: readonly string[]): string {
  return args.find((arg) => !arg.startsWith('-')) ?? '';
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

const gitInGroup = join(import.meta.dirname, '../git-config/git-in-group.sh');
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
    GIT_ATTR_NOSYSTEM: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_CONFIG_GLOBAL: protocols.includes('file') ? fileRemotesConfig : '/dev/null',
    // A connection that brings nothing any more is given up, in bytes per second and seconds.
    GIT_HTTP_LOW_SPEED_LIMIT: '1',
    GIT_HTTP_LOW_SPEED_TIME: '60',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_ALLOW_PROTOCOL: protocols.join(':'),
    ...commandSettings(),
    ...credentials,
  };
}

/** Settings that outrank those of every file, in the form of git's environment. */
const settings: readonly (readonly [name: string, value: string])[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
  // A server that sends git elsewhere would choose the host, and get the token.
  ['http.followRedirects', 'false'],
  // Helpers of the machine take no part; only askpass is asked.
  ['credential.helper', ''],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['transfer.bundleURI', 'false'],
];

function commandSettings(): Record<string, string> {
  const numbered: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  for (const [index, [name, value]] of settings.entries()) {
    numbered[`GIT_CONFIG_KEY_${index}`] = name;
    numbered[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return numbered;
}
