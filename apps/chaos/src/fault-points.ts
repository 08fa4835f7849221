/** Where a fault can strike: a call on the wire (before it is done, after it is done), or work under way. */
export type Phase = 'before' | 'during' | 'after';

export const faultKinds = [
  /** SIGKILL to the runner. Before: the call is not done. After: it is done, and nobody hears of it. */
  'KILL',
  /** SIGSTOP past the lease, so that the other runner takes over; then the call goes on, and SIGCONT. */
  'STOP',
  /** The connection breaks. Before: the call is not done. After: it is done, the reply is lost. */
  'DROP',
  /** The call, or its reply, is held for up to twice the lease. */
  'DELAY',
  /** SIGKILL to the service that is called. */
  'KILL_SERVICE',
  /** SIGKILL to the NATS server. */
  'KILL_NATS',
  /** The same task is published again, without a message id. */
  'DUPLICATE',
  /** The disk of all services and runners is full for a while. */
  'DISK_FULL',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export type ServiceName = 'task-registry-mock' | 'repo-pool-mock' | 'artifact-store-mock';

interface Point {
  readonly phases: readonly Phase[];
  /** Who does the call, where that can be killed. */
  readonly service?: ServiceName;
  /** Also met by the naive runners, which know no services. */
  readonly naive?: boolean;
}

const call = ['before', 'after'] as const;
const registry = { phases: call, service: 'task-registry-mock' } as const;
const pool = { phases: call, service: 'repo-pool-mock' } as const;
const store = { phases: call, service: 'artifact-store-mock' } as const;
const wire = { phases: call, naive: true } as const;

/** Every point, in the order in which a task meets them. */
export const faultPoints = {
  deliver: wire,
  claim: registry,
  allocate: pool,
  git_refs: wire,
  git_fetch: wire,
  checkpoint_base: registry,
  append_events: registry,
  setup: { phases: ['during'] },
  llm: wire,
  upload_answer: store,
  checkpoint_answer: registry,
  renew: registry,
  renew_slot: pool,
  tests: { phases: ['during'], naive: true },
  upload_bundle: store,
  decide: registry,
  push_refs: wire,
  push: wire,
  /** Inside the remote: the objects have arrived, the branch has not moved. */
  pre_receive: { phases: ['during'], naive: true },
  /** Inside the remote: the branch has moved, the pusher does not know yet. */
  post_receive: { phases: ['during'], naive: true },
  upload_diff: store,
  upload_log: store,
  upload_tests: store,
  upload_transcript: store,
  report: registry,
  /** Of the naive runners, which publish their results themselves. */
  result: { phases: call, naive: true },
  release: pool,
  ack: wire,
  /** Met only by an attempt that follows one that died: each has a prelude. */
  download_answer: store,
  download_bundle: store,
} as const satisfies Record<string, Point>;

export type PointName = keyof typeof faultPoints;
export const pointNames = Object.keys(faultPoints) as PointName[];

/** A point with its phase, such as `decide.after`. */
export interface Place {
  readonly point: PointName;
  readonly phase: Phase;
}

export interface PlannedFault extends Place {
  readonly kind: FaultKind;
}

export function formatPlace({ point, phase }: Place): string {
  return `${point}.${phase}`;
}

export function serviceOf(point: PointName): ServiceName | undefined {
  return pointOf(point).service;
}

/** What may strike where, for the real runner or for a naive one. */
export function faultsAt(point: PointName, naive: boolean): PlannedFault[] {
  const { phases, service, naive: metByNaive } = pointOf(point);
  if (naive ? !metByNaive : point === 'result') return [];
  return phases.flatMap((phase) => {
    const kinds: FaultKind[] = ['KILL', 'STOP', 'DUPLICATE'];
    if (phase !== 'during') kinds.push('DROP', 'DELAY');
    if (!naive) kinds.push('KILL_NATS', 'DISK_FULL');
    if (service && !naive) kinds.push('KILL_SERVICE');
    return kinds.map((kind) => ({ point, phase, kind }));
  });
}

/** What has to have struck before, so that a task comes to the point at all. */
export function preludeTo(point: PointName): PlannedFault | undefined {
  switch (point) {
    case 'download_answer':
      return { point: 'checkpoint_answer', phase: 'after', kind: 'KILL' };
    case 'download_bundle':
      return { point: 'decide', phase: 'after', kind: 'KILL' };
    default:
      return undefined;
  }
}

function pointOf(point: PointName): Point {
  return faultPoints[point];
}
