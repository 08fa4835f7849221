import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { RunnerError, type TaskResult } from '@necrocode/contracts';
import { counter, type Logger, type Mask } from '@necrocode/telemetry';
import type { Artifact, ArtifactStore, Lease, Spool, TaskRegistry, Told } from '../pipeline/ports.js';
import { SpoolDirectory } from './spool-directory.js';
import { readLease, writeLease, type SpoolEntry } from './spool-entry.js';

export interface SpoolOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly registry: Pick<TaskRegistry, 'report' | 'addArtifacts'>;
  readonly store: Pick<ArtifactStore, 'upload'>;
  readonly mask: Mask;
  readonly log: Logger;
}

/** Between rounds in which somebody did not answer: doubled each time, with jitter. */
const awayPauseMs = { first: 500, last: 30_000 };
/** Between looks at what nobody announces: entries that become too old, or another runner's. */
const idlePauseMs = 60_000;

/** The attempt has lost its lease or its run has ended; or the registry cannot read what it is told. */
const refusals: ReadonlySet<string> = new Set(['lease_lost', 'internal']);

const spooled = counter('necrocode.spool.entries', 'Entries of the spool by what became of them');

/**
 * Keeps on disk what could not be told, and tells it at the start and while the runner runs. Entries are
 * fenced like any call of their attempt, so what somebody else has done meanwhile is refused and dropped.
 */
export class FileSpool implements Spool {
  private readonly files: SpoolDirectory;
  private readonly waiting = new Map<string, (told: Told) => void>();
  private readonly stopping = new AbortController();
  private wake = new AbortController();
  private replaying: Promise<void> = Promise.resolve();

  constructor(private readonly options: SpoolOptions) {
    this.files = new SpoolDirectory(options.directory);
  }

  /** Tells what an earlier runner left behind, then goes on beside the work. Resolves after the first round. */
  async start(): Promise<void> {
    const first = this.round();
    this.replaying = first.then((all) => this.replay(all));
    await first;
  }

  /** Entries stay on disk for the next start. */
  async close(): Promise<void> {
    this.stopping.abort();
    this.wake.abort();
    await this.replaying;
  }

  async keepReport(lease: Lease, result: TaskResult) {
    const id = await this.keep(lease, { kind: 'report', result: this.options.mask.within(result) });
    return id === undefined ? undefined : { told: (signal: AbortSignal) => this.toldOf(id, signal) };
  }

  async keepArtifact(...[lease, artifact]: Parameters<Spool['keepArtifact']>): Promise<boolean> {
    const { uploadId = randomUUID() } = artifact;
    return (await this.keep(lease, describe({ ...artifact, uploadId }), artifact.content)) !== undefined;
  }

  hold(...[lease, artifact]: Parameters<Spool['hold']>): { release(): Promise<void> } {
    try {
      const id = this.files.writeNow(entryOf(lease, describe(artifact)), artifact.content);
      return { release: () => this.files.remove(id).catch((error: unknown) => this.warnOfDisk(error)) };
    } catch (error) {
      this.options.log.warn({ task: lease.key, error }, 'the spool cannot be written: not held');
      return { release: () => Promise.resolve() };
    }
  }

  /** A disk that takes nothing any more is told of, not thrown: the message comes again instead. */
  private async keep(
    lease: Lease,
    what: SpoolEntry['what'],
    content?: Uint8Array,
  ): Promise<string | undefined> {
    const fact = { task: lease.key, run: lease.run, what: what.kind };
    try {
      const id = (await this.makeRoom(content?.length ?? 0))
        ? await this.files.write(entryOf(lease, what), content)
        : undefined;
      if (id === undefined) this.options.log.error(fact, 'the spool is full: not kept');
      else this.options.log.warn(fact, 'kept in the spool, to be told later');
      spooled.add(1, { 'necrocode.spool': id === undefined ? 'refused' : 'kept' });
      this.wake.abort();
      return id;
    } catch (error) {
      this.options.log.error({ ...fact, error }, 'the spool cannot be written: not kept');
      return undefined;
    }
  }

  /** Artifacts make room for what is newer, reports never. */
  private async makeRoom(bytes: number): Promise<boolean> {
    const { maxBytes, log } = this.options;
    if (bytes > maxBytes) return false;
    if ((await this.files.size()) + bytes <= maxBytes) return true;
    for (const id of await this.files.list()) {
      const read = await this.files.read(id);
      if (read.kind !== 'entry' || read.entry.what.kind !== 'artifact') continue;
      log.error({ ...factsOf(read.entry) }, 'the spool is full: its oldest artifact is dropped');
      await this.files.remove(id);
      if ((await this.files.size()) + bytes <= maxBytes) return true;
    }
    return false;
  }

  private toldOf(id: string, signal: AbortSignal): Promise<Told | undefined> {
    return new Promise((resolve) => {
      const end = (told: Told | undefined) => {
        this.waiting.delete(id);
        resolve(told);
      };
      this.waiting.set(id, end);
      if (signal.aborted) end(undefined);
      signal.addEventListener('abort', () => end(undefined), { once: true });
    });
  }

  private async replay(toldAll: boolean): Promise<void> {
    let done = toldAll;
    let away: number = awayPauseMs.first;
    while (!this.stopping.signal.aborted) {
      if (done) {
        away = awayPauseMs.first;
        await this.rest(idlePauseMs, this.wake.signal);
      } else {
        await this.rest(away * (0.5 + Math.random()), this.stopping.signal);
        away = Math.min(away * 2, awayPauseMs.last);
      }
      this.wake = new AbortController();
      if (!this.stopping.signal.aborted) done = await this.round();
    }
  }

  private async rest(milliseconds: number, until: AbortSignal): Promise<void> {
    await pause(milliseconds, undefined, { signal: until, ref: false }).catch(() => undefined);
  }

  /** Tidies up and tries every entry once, but asks nobody again who has not answered. Returns whether nothing is left. */
  private async round(): Promise<boolean> {
    const silent = new Set<string>();
    await this.files.tidy(this.options.maxAgeMs).catch((error: unknown) => this.warnOfDisk(error));
    try {
      for (const id of await this.files.list()) {
        if (this.stopping.signal.aborted) return false;
        await this.tell(id, silent);
      }
    } catch (error) {
      this.warnOfDisk(error);
      return false;
    }
    return silent.size === 0;
  }

  private async tell(id: string, silent: Set<string>): Promise<void> {
    const { log, maxAgeMs } = this.options;
    const read = await this.files.read(id);
    if (read.kind === 'gone') return;
    if (read.kind === 'unreadable') {
      log.error({ entry: id, why: read.why }, 'an entry of the spool cannot be read: set aside');
      await this.files.quarantine(id);
      return;
    }
    const { entry, content } = read;
    try {
      if (silent.has(entry.what.kind)) return;
      const told = await this.send(entry, content);
      log.info({ ...factsOf(entry), ...told }, 'told from the spool');
      await this.done(id, 'told', told);
    } catch (error) {
      const { code } = RunnerError.from(error);
      const tooOld = Date.now() - Date.parse(entry.kept_at) > maxAgeMs;
      const refused = error instanceof RunnerError && refusals.has(code);
      if (!refused) silent.add(entry.what.kind);
      if (!refused && !tooOld) return;
      log.warn({ ...factsOf(entry), code, error }, 'dropped from the spool');
      await this.done(id, refused ? 'refused' : 'too_old', { kind: 'lease_lost' });
    }
  }

  /** Returns what waiters are told; nobody waits for an artifact. */
  private async send({ lease, what }: SpoolEntry, content: Buffer): Promise<Told | undefined> {
    const { registry, store } = this.options;
    const holder = readLease(lease);
    if (what.kind === 'report') return { kind: 'told', ...(await registry.report(holder, what.result)) };
    const { type, name, media_type: mediaType, upload_id: uploadId } = what;
    const stored = await store.upload(holder, { type, name, mediaType, content, uploadId });
    // Answers of the model are for the run's later attempts, which find them in the store.
    if (type !== 'llm_answer') await registry.addArtifacts(holder, [stored]);
    return undefined;
  }

  private async done(id: string, how: string, told: Told | undefined): Promise<void> {
    spooled.add(1, { 'necrocode.spool': how });
    await this.files.remove(id);
    if (told) this.waiting.get(id)?.(told);
  }

  private warnOfDisk(error: unknown): void {
    this.options.log.error({ error }, 'the spool cannot be read');
  }
}

function describe({ type, name, mediaType, uploadId }: Artifact & { uploadId: string }): SpoolEntry['what'] {
  return { kind: 'artifact', type, name, media_type: mediaType, upload_id: uploadId };
}

function entryOf(lease: Lease, what: SpoolEntry['what']): SpoolEntry {
  return { version: 1, kept_at: new Date().toISOString(), lease: writeLease(lease), what };
}

function factsOf({ lease, what, kept_at }: SpoolEntry): Record<string, unknown> {
  const { spec_name, task_id, run } = lease;
  return { task: { specName: spec_name, taskId: task_id }, run, what: what.kind, kept_at };
}
