import type {
  ArtifactRef,
  ArtifactType,
  EventType,
  QueuePlace,
  Task,
  TaskKey,
  TaskResult,
  TerminalStatus,
} from '@necrocode/contracts';
import type { Sign, SignAnswer } from '@necrocode/messaging';
import type { BaseTree, Git } from '@necrocode/workspace';
import type { Checkpoint } from './checkpoint.js';

/** The right to work on a task, and what every call on its behalf shows. */
export interface Lease {
  readonly key: TaskKey;
  /** Only grows; a holder of a lower one is refused. */
  readonly fencingToken: bigint;
  readonly run: number;
  readonly attempt: number;
}

export interface DecidedCommit {
  readonly commit: string;
  readonly tree: string;
  readonly baseCommit: string;
  readonly branch: string;
  /** Where the commit can be had by an attempt that did not make it. */
  readonly bundleUri: string;
  readonly filesChanged: readonly string[];
  /** True when the decision was made before this attempt asked for one. */
  readonly byEarlierAttempt: boolean;
}

/** A commit that is put forward for decision. */
export type ProposedCommit = Omit<DecidedCommit, 'byEarlierAttempt'> & { readonly bundleSha256: string };

/** An attempt of the same run, by whichever runner. */
export interface EarlierAttempt {
  readonly attempt: number;
  /** W3C trace context of its claim: that span has ended, and so is there, also when its runner was killed later. */
  readonly traceparent: string;
}

export type Claim =
  | {
      readonly kind: 'granted';
      readonly lease: Lease;
      readonly checkpoint: Checkpoint;
      readonly decided: DecidedCommit | undefined;
      /** What earlier runs decided, the newest last: the branch may hold one of them. */
      readonly earlierCommits: readonly string[];
      readonly earlierAttempts: readonly EarlierAttempt[];
      /** Nobody may work on the run any more: what it ends with unless the remote has the decided commit. */
      readonly lastLook: LastLook | undefined;
    }
  | { readonly kind: 'already_handled'; readonly state: string }
  | { readonly kind: 'parked'; readonly reason: string }
  | { readonly kind: 'conflict'; readonly code: string; readonly message: string };

/** A verdict on a run that stands unless its commit has been pushed. */
export interface LastLook {
  readonly code: 'cancelled' | 'attempts_exhausted';
  readonly message: string;
}

/** What a task came in; the registry keeps it for when it has to be published again. */
export interface ClaimedMessage {
  readonly body: Uint8Array;
  readonly place: QueuePlace;
  readonly headers: Readonly<Record<string, string>>;
  readonly publishedAt: Date;
}

/** How a lease is renewed by a thread that can do nothing but send bytes and pass on what is answered. */
export interface Renewal {
  readonly call: Extract<Sign, { kind: 'call' }>;
  readonly judge: (answer: SignAnswer) => 'kept' | 'cancel_requested' | 'lost' | 'no_answer';
}

export interface RunEvent {
  readonly type: EventType;
  readonly time: Date;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Refusal {
  readonly key: TaskKey | undefined;
  readonly code: string;
  readonly message: string;
  readonly original: Uint8Array;
}

/** Failures are RunnerError registry_unavailable, or lease_lost where a lease is shown. */
export interface TaskRegistry {
  claim(task: Task, message: ClaimedMessage, signal?: AbortSignal): Promise<Claim>;
  renewal(lease: Lease): Renewal;
  /** Tells of a cancellation of the run, whenever it was or will be. @returns ends it */
  watchCancel(lease: Lease, told: () => void): () => void;
  /** When the task comes again is the registry's to say. */
  giveBack(lease: Lease, reason: string): Promise<void>;
  saveCheckpoint(lease: Lease, checkpoint: Checkpoint): Promise<void>;
  /** Answers what is decided: this commit, or the one that was decided before. */
  decide(lease: Lease, commit: ProposedCommit): Promise<DecidedCommit>;
  addEvents(lease: Lease, events: readonly RunEvent[]): Promise<void>;
  /** Answers how the run has ended: as reported, or as an earlier report said. */
  report(
    lease: Lease,
    result: TaskResult,
  ): Promise<{ readonly state: TerminalStatus; readonly accepted: boolean }>;
  /** Artifacts that no report names, also after the run has ended. */
  addArtifacts(lease: Lease, artifacts: readonly ArtifactRef[]): Promise<void>;
  refuse(refusal: Refusal): Promise<void>;
}

/** A workspace of this task alone. */
export interface Slot {
  readonly leaseId: string;
  readonly fencingToken: bigint;
  readonly workTree: string;
  readonly gitDir: string;
  /** What is checked out; empty when nothing is. */
  readonly commit: string;
}

/** Failures are RunnerError no_slot, lease_lost or repo_pool_unavailable. */
export interface RepoPool {
  allocate(lease: Lease, repoUrl: string, signal: AbortSignal): Promise<Slot>;
  renewal(slot: Slot): Renewal;
  release(slot: Pick<Slot, 'leaseId' | 'fencingToken'>, options: { readonly broken: boolean }): Promise<void>;
}

export interface Artifact {
  readonly type: ArtifactType;
  readonly name: string;
  readonly mediaType: string;
  readonly content: Uint8Array;
  /** Two uploads with the same id leave one artifact; absent: every call is a new one. */
  readonly uploadId?: string;
}

/** Failures are RunnerError artifact_store_unavailable, or lease_lost where a lease is shown. */
export interface ArtifactStore {
  upload(lease: Lease, artifact: Artifact): Promise<ArtifactRef>;
  download(uri: string): Promise<Buffer>;
  /**
   * What the lease's run has of the type, by whichever attempt, in the order of its first upload. Earlier
   * attempts can add nothing to it any more.
   */
  list(lease: Lease, type: ArtifactType): Promise<readonly { readonly name: string; readonly uri: string }[]>;
}

/** What became of a report. */
export type Told =
  /** `accepted` false: the run had ended before, in this state. */
  | { readonly kind: 'told'; readonly state: TerminalStatus; readonly accepted: boolean }
  /** The run is somebody else's now. */
  | { readonly kind: 'lease_lost' };

/** Keeps durably what could not be told, and tells it later. */
export interface Spool {
  /** @returns undefined when it could not be kept; else `told`, which resolves with undefined when `until` ends first */
  keepReport(
    lease: Lease,
    result: TaskResult,
  ): Promise<{ told(until: AbortSignal): Promise<Told | undefined> } | undefined>;
  /** @returns whether it could be kept */
  keepArtifact(lease: Lease, artifact: Artifact): Promise<boolean>;
  /**
   * Holds what is about to be uploaded, before it returns: a runner that dies on the way has it sent by
   * the next one on its disk. What cannot be held is not; losing one costs no more than doing it again.
   */
  hold(lease: Lease, artifact: Artifact & { readonly uploadId: string }): { release(): Promise<void> };
}

/** A line for whoever watches the task live. Losing one is no harm. */
export type TellLive = (key: TaskKey, line: string) => void;

/** Where setup leaves what it makes, at the base of the task and before anything else has run there. */
export interface SetupPlace {
  readonly workTree: string;
  readonly homeDir: string;
  readonly tree: BaseTree;
  readonly git: Git;
  readonly signal: AbortSignal;
}

/** What a cache did for a setup. */
export type SetupOutcome =
  | { readonly kind: 'hit' }
  | { readonly kind: 'stored' }
  | { readonly kind: 'not_kept'; readonly why: string };

/** Keeps what setups leave, for tasks whose setup has the same key. A task only ever gets copies. */
export interface SetupCache {
  /**
   * Puts into the place what a setup with this key left, else has it made there.
   *
   * @param populate does the setup; answers whether its result is worth keeping. Not called on a hit
   * @throws what `populate` throws, and the reason of the signal
   */
  provide(key: string, place: SetupPlace, populate: () => Promise<boolean>): Promise<SetupOutcome>;
}

export interface SetupSubject {
  readonly url: string;
  readonly commands: readonly string[];
  readonly tree: BaseTree;
}

/** The cache with the key of a setup; undefined where setups are not cached. */
export type OpenSetupCache = (
  subject: SetupSubject,
) => Promise<{ readonly key: string; readonly mode: string; readonly cache: SetupCache } | undefined>;
