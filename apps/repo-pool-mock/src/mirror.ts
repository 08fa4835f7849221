import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RunnerError } from '@necrocode/contracts';
import type { Logger } from '@necrocode/telemetry';
import { Git, type CheckedRepoUrl } from '@necrocode/workspace';
import { parseAdvertisement, tipOf, type Advertisement } from './advertisement.js';

export interface MirrorOptions {
  /** Directory of all mirrors. */
  readonly directory: string;
  /** Name of the repository: its address, normalised. */
  readonly repo: string;
  /** Where and how it is read, if it may be. */
  readonly remote: CheckedRepoUrl;
  /** For one refresh. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** Where slots may borrow objects from, and what they should check out. */
export interface MirrorState {
  /** The bare repository; undefined: the repository could never be read. */
  readonly gitDir: string | undefined;
  /** Tip of the default branch; empty when there is none. */
  readonly tip: string;
}

/** For how long a repository that could not be read is left alone. */
const failureMemoryMs = 30_000;

/**
 * A bare copy of the heads of one repository, fetched without any credentials. It never loses an
 * object, since slots borrow from it: a damaged one is replaced by a next generation beside it.
 * All git on it runs one after another.
 */
export class Mirror {
  private state: MirrorState = { gitDir: undefined, tip: '' };
  private known: Advertisement | undefined;
  private opened = false;
  private refreshedAt = -Infinity;
  private failedAt = -Infinity;
  private refreshing: Promise<void> | undefined;
  private queue: Promise<unknown> = Promise.resolve();

  private readonly id: string;

  constructor(private readonly options: MirrorOptions) {
    this.id = createHash('sha256').update(options.repo).digest('hex').slice(0, 16);
  }

  get current(): MirrorState {
    return this.state;
  }

  /**
   * Brings the mirror up to date unless it was within `maxAgeMs`. Resolves when that is done or has
   * failed, which it tells nobody but the log: what `current` says then is all there is.
   */
  refresh(maxAgeMs: number): Promise<void> {
    if (this.refreshing) return this.refreshing;
    const now = Date.now();
    if (now - this.refreshedAt < maxAgeMs || now - this.failedAt < failureMemoryMs) return Promise.resolve();
    this.refreshing = this.serialised(() => this.refreshNow()).finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  /** Checks every object, and makes the next generation when one is missing or damaged. */
  verify(): Promise<void> {
    return this.serialised(async () => {
      const { repo, log, signal } = this.options;
      const { gitDir } = this.state;
      if (gitDir === undefined) return;
      try {
        await this.git(gitDir).pipe(['fsck', '--full', '--no-dangling', '--no-progress']);
      } catch (damage) {
        if (signal.aborted) return;
        log.warn({ repo, error: damage }, 'mirror is damaged; making the next generation');
        // Better a damaged one than none: slots that cannot be filled from it are made empty.
        await this.fetch(await this.nextGitDir(), this.deadline()).catch((error: unknown) =>
          log.warn({ repo, error }, 'damaged mirror could not be replaced'),
        );
      }
    });
  }

  /** Deletes earlier generations from which no slot borrows any more. */
  dropRetired(inUse: ReadonlySet<string>): Promise<void> {
    return this.serialised(async () => {
      if (this.state.gitDir === undefined) return;
      const retired = (await this.generations()).slice(0, -1).map((generation) => this.gitDirOf(generation));
      for (const gitDir of retired) {
        if (gitDir !== this.state.gitDir && !inUse.has(gitDir))
          await rm(gitDir, { recursive: true, force: true });
      }
    });
  }

  private async refreshNow(): Promise<void> {
    const { repo, signal, log } = this.options;
    try {
      await this.open();
      await this.fetch(this.state.gitDir ?? (await this.nextGitDir()), this.deadline());
      this.refreshedAt = Date.now();
    } catch (error) {
      if (signal.aborted) return;
      this.failedAt = Date.now();
      log.info({ repo, error }, 'repository cannot be read without credentials');
    }
  }

  /** On first use: takes over what an earlier process left. */
  private async open(): Promise<void> {
    if (this.opened) return;
    const generation = (await this.generations()).at(-1);
    if (generation !== undefined) {
      const gitDir = this.gitDirOf(generation);
      await removeLeftovers(gitDir);
      // Unreadable refs: the next generation is fetched instead.
      const tip = await this.readTip(gitDir).catch(() => undefined);
      if (tip !== undefined) this.state = { gitDir, tip };
    }
    this.opened = true;
  }

  private async fetch(gitDir: string, deadline: AbortSignal): Promise<void> {
    const { remote } = this.options;
    if (remote.kind === 'refused') throw new RunnerError('repo_not_allowed', remote.problem);
    const isNew = gitDir !== this.state.gitDir;
    const remoteHeads = [...onNetwork, 'ls-remote', '--symref', '--', remote.url, 'HEAD', 'refs/heads/*'];
    const advertised = parseAdvertisement((await this.git(undefined, deadline).pipe(remoteHeads)).toString());
    if (!isNew && this.known?.text === advertised.text) return;
    try {
      if (isNew) await this.make(gitDir, advertised);
      await this.git(gitDir, deadline).pipe([
        ...onNetwork,
        ...fetchHeads,
        '--',
        remote.url,
        '+refs/heads/*:refs/heads/*',
      ]);
      const branch = advertised.defaultBranch;
      if (branch) await this.git(gitDir).pipe(['symbolic-ref', 'HEAD', branch]);
      this.state = { gitDir, tip: await this.readTip(gitDir) };
      this.known = advertised;
    } catch (error) {
      if (isNew) await rm(gitDir, { recursive: true, force: true });
      else await removeLeftovers(gitDir);
      throw error;
    }
  }

  private async readTip(gitDir: string): Promise<string> {
    const git = this.git(gitDir);
    const refs = await git.pipe(['for-each-ref', '--format=%(objectname)\t%(refname)', 'refs/heads']);
    const head = await git.pipe(['symbolic-ref', 'HEAD']);
    return tipOf(refs.toString(), head.toString().trim());
  }

  /** Appears under its name only when it is complete as an empty repository. */
  private async make(gitDir: string, advertised: Advertisement): Promise<void> {
    const unfinished = `${gitDir}.new`;
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    const git = this.git(unfinished);
    await git.pipe([
      'init',
      '--quiet',
      '--bare',
      '--template=',
      `--object-format=${advertised.objectFormat}`,
    ]);
    for (const [name, value] of mirrorConfig) await git.pipe(['config', name, value]);
    await rename(unfinished, gitDir);
  }

  /** The numbers of the generations on disk, the current one last. */
  private async generations(): Promise<number[]> {
    const names = await readdir(this.options.directory).catch(() => []);
    const numbers = names.flatMap((name) => {
      const [, id, generation] = /^([0-9a-f]{16})(?:\.(\d+))?\.git$/.exec(name) ?? [];
      return id === this.id ? [Number(generation ?? 0)] : [];
    });
    return numbers.sort((a, b) => a - b);
  }

  private async nextGitDir(): Promise<string> {
    return this.gitDirOf(((await this.generations()).at(-1) ?? -1) + 1);
  }

  private gitDirOf(generation: number): string {
    return join(this.options.directory, generation === 0 ? `${this.id}.git` : `${this.id}.${generation}.git`);
  }

  private git(gitDir: string | undefined, signal: AbortSignal = this.options.signal): Git {
    const { remote, directory } = this.options;
    const protocols = remote.kind === 'allowed' ? remote.protocols : [];
    // ls-remote needs no repository of its own; naming one keeps it from looking around.
    const place = { gitDir: gitDir ?? join(directory, 'none.git') };
    return new Git(place, { protocols, signal, credentials: anonymous(directory) });
  }

  private deadline(): AbortSignal {
    return AbortSignal.any([this.options.signal, AbortSignal.timeout(this.options.timeoutMs)]);
  }

  private serialised<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(work);
    this.queue = result.catch(() => undefined);
    return result;
  }
}

/** git's transport is a process of its own, which outlives a git that was ended: it has to give up by itself. */
const onNetwork = ['-c', 'http.lowSpeedLimit=1', '-c', 'http.lowSpeedTime=20'];

const fetchHeads = [
  'fetch',
  '--quiet',
  '--no-tags',
  // Refs of deleted branches would stand in the way of new ones (a, then a/b). Objects all stay.
  '--prune',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
];

const mirrorConfig = [
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['fetch.writeCommitGraph', 'false'],
  ['fetch.recurseSubmodules', 'false'],
] as const;

/** Locks and half-written packs: a git that was killed leaves them, and no other runs on the mirror now. */
async function removeLeftovers(gitDir: string): Promise<void> {
  const entries = await readdir(gitDir, { recursive: true, withFileTypes: true });
  const left = entries.filter(({ name }) => name.endsWith('.lock') || name.startsWith('tmp_'));
  for (const entry of left) await rm(join(entry.parentPath, entry.name), { recursive: true, force: true });
}

/** No key, agent, netrc or prompt of the account that runs the pool takes part. */
function anonymous(home: string): Record<string, string> {
  const ssh = [
    'BatchMode=yes',
    'ConnectTimeout=10',
    'ServerAliveInterval=10',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'IdentityFile=/dev/null',
  ];
  return {
    HOME: home,
    SSH_AUTH_SOCK: '',
    GIT_ASKPASS: '/bin/false',
    GIT_SSH_COMMAND: `ssh -F /dev/null ${ssh.map((option) => `-o ${option}`).join(' ')}`,
  };
}
