import { taskRegistry as wire, type Task, type TaskKey, type TaskResult } from '@necrocode/contracts';
import { call, createClient } from '@necrocode/rpc';

/** A registry as the contract suite sees it: an address, and what is sent there. */
export interface RegistryUnderTest {
  readonly address: string;
  /** Ends the process or service and starts it again on the same state and address. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

type Partially<T> = { readonly [field in keyof T]?: T[field] };

/** The calls of a runner or a user, with defaults that keep the tests short. */
export class RegistryClient {
  private client: wire.TaskRegistryServiceClient;

  constructor(private readonly address: string) {
    this.client = createClient(wire.TaskRegistryServiceClient, address);
  }

  /** Takes a new channel: calls on one whose server has just ended may still be answered CANCELLED. */
  reconnect(): void {
    this.client.close();
    this.client = createClient(wire.TaskRegistryServiceClient, this.address);
  }

  claim(task: Task, more: Partially<wire.ClaimTaskRequest> = {}): Promise<wire.ClaimTaskResponse> {
    const request = { runnerId: 'runner-1', leaseSeconds: 60, taskJson: JSON.stringify(task), ...more };
    return this.ask(this.client.claimTask.bind(this.client), wire.ClaimTaskRequest.fromPartial(request));
  }

  /** Claims a task that is expected to be granted. */
  async granted(task: Task, more: Partially<wire.ClaimTaskRequest> = {}): Promise<Held> {
    const { granted, ...other } = await this.claim(task, more);
    if (!granted?.lease) throw new Error(`not granted: ${JSON.stringify(other)}`);
    return { ...keyAndToken(task, granted.lease.fencingToken), granted };
  }

  renew(held: KeyAndToken): Promise<wire.RenewLeaseResponse> {
    return this.ask(
      this.client.renewLease.bind(this.client),
      wire.RenewLeaseRequest.fromPartial({ ...sent(held), leaseSeconds: 60 }),
    );
  }

  release(held: KeyAndToken): Promise<wire.ReleaseLeaseResponse> {
    return this.ask(
      this.client.releaseLease.bind(this.client),
      wire.ReleaseLeaseRequest.fromPartial({ ...sent(held), reason: 'drain' }),
    );
  }

  checkpoint(held: KeyAndToken, checkpointJson: string): Promise<wire.SaveCheckpointResponse> {
    return this.ask(
      this.client.saveCheckpoint.bind(this.client),
      wire.SaveCheckpointRequest.fromPartial({ ...sent(held), checkpointJson }),
    );
  }

  decide(held: KeyAndToken, commit: string): Promise<wire.DecideCommitResponse> {
    const decided = {
      commit,
      tree: hash('e'),
      baseCommit: hash('f'),
      branch: 'feature/x',
      filesChanged: ['a.ts'],
    };
    const request = wire.DecideCommitRequest.fromPartial({ ...sent(held), commit: decided });
    return this.ask(this.client.decideCommit.bind(this.client), request);
  }

  stage(held: KeyAndToken, stage: string): Promise<wire.UpdateStatusResponse> {
    return this.ask(
      this.client.updateStatus.bind(this.client),
      wire.UpdateStatusRequest.fromPartial({ ...sent(held), stage }),
    );
  }

  append(held: KeyAndToken, type: string, dataJson: string, time?: Date): Promise<wire.AppendEventsResponse> {
    const request = wire.AppendEventsRequest.fromPartial({
      ...sent(held),
      events: [{ type, dataJson, time }],
    });
    return this.ask(this.client.appendEvents.bind(this.client), request);
  }

  artifact(held: KeyAndToken, uri: string, sizeBytes: bigint): Promise<wire.AddArtifactsResponse> {
    const artifacts = [{ type: 'diff', uri, sizeBytes, sha256: 'a'.repeat(64) }];
    return this.ask(
      this.client.addArtifacts.bind(this.client),
      wire.AddArtifactsRequest.fromPartial({ ...sent(held), artifacts }),
    );
  }

  report(held: KeyAndToken, result: TaskResult, idempotencyKey = ''): Promise<wire.ReportResultResponse> {
    const request = { ...sent(held), idempotencyKey, resultJson: JSON.stringify(result) };
    return this.ask(
      this.client.reportResult.bind(this.client),
      wire.ReportResultRequest.fromPartial(request),
    );
  }

  /** Claims a task and ends it. */
  async run(task: Task, status: TaskResult['status']): Promise<void> {
    const held = await this.granted(task);
    await this.report(held, resultOf(task, status, { run: held.granted.run }));
  }

  refuse(request: Partially<wire.RefuseTaskRequest>): Promise<wire.RefuseTaskResponse> {
    const full = { runnerId: 'runner-1', code: 'invalid_task', message: 'title: required', ...request };
    return this.ask(this.client.refuseTask.bind(this.client), wire.RefuseTaskRequest.fromPartial(full));
  }

  create(task: Task, more: Partially<wire.CreateTaskRequest> = {}): Promise<wire.CreateTaskResponse> {
    const request = wire.CreateTaskRequest.fromPartial({ taskJson: JSON.stringify(task), ...more });
    return this.ask(this.client.createTask.bind(this.client), request);
  }

  retry(key: TaskKey): Promise<wire.RetryTaskResponse> {
    return this.ask(this.client.retryTask.bind(this.client), wire.RetryTaskRequest.fromPartial({ key }));
  }

  cancel(key: TaskKey, reason = ''): Promise<wire.CancelTaskResponse> {
    return this.ask(
      this.client.cancelTask.bind(this.client),
      wire.CancelTaskRequest.fromPartial({ key, reason }),
    );
  }

  park(key: TaskKey, fencingToken = 0n): Promise<wire.ParkTaskResponse> {
    return this.ask(
      this.client.parkTask.bind(this.client),
      wire.ParkTaskRequest.fromPartial({ key, fencingToken, reason: 'not today' }),
    );
  }

  unpark(key: TaskKey): Promise<wire.UnparkTaskResponse> {
    return this.ask(this.client.unparkTask.bind(this.client), wire.UnparkTaskRequest.fromPartial({ key }));
  }

  registerRunner(runnerId: string): Promise<wire.RegisterRunnerResponse> {
    const request = {
      runnerId,
      hostname: 'host',
      queues: ['default', 'backend'],
      maxParallel: 2,
      sandbox: 'full',
    };
    return this.ask(
      this.client.registerRunner.bind(this.client),
      wire.RegisterRunnerRequest.fromPartial(request),
    );
  }

  listRunners(seenWithinSeconds = 0): Promise<wire.ListRunnersResponse> {
    return this.ask(
      this.client.listRunners.bind(this.client),
      wire.ListRunnersRequest.fromPartial({ seenWithinSeconds }),
    );
  }

  list(request: Partially<wire.ListTasksRequest>): Promise<wire.ListTasksResponse> {
    return this.ask(
      this.client.listTasks.bind(this.client),
      wire.ListTasksRequest.fromPartial({ ...request, states: [...(request.states ?? [])] }),
    );
  }

  get(key: TaskKey): Promise<wire.GetTaskResponse> {
    return this.ask(
      this.client.getTask.bind(this.client),
      wire.GetTaskRequest.fromPartial({ key: { ...key } }),
    );
  }

  async state(key: TaskKey): Promise<wire.TaskState | undefined> {
    return (await this.get(key)).task?.state;
  }

  async eventTypes(key: TaskKey): Promise<string[]> {
    return (await this.get(key)).events.map(({ type }) => type);
  }

  /** The code of a task's error, from its result. */
  async errorCode(key: TaskKey): Promise<string | undefined> {
    const { task } = await this.get(key);
    return (JSON.parse(task?.resultJson ?? '') as TaskResult).error?.code;
  }

  /** Events as they come. Ends when the registry ends the stream, or when the caller stops reading. */
  async *watch(key: TaskKey, afterSequence = 0n): AsyncGenerator<wire.WatchTaskResponse> {
    const stream = this.client.watchTask(
      wire.WatchTaskRequest.fromPartial({ key: { ...key }, afterSequence }),
    );
    try {
      yield* stream as AsyncIterable<wire.WatchTaskResponse>;
    } finally {
      stream.on('error', () => undefined);
      stream.cancel();
    }
  }

  /** Resolves at the first event of a type, past or to come. */
  async until(key: TaskKey, type: string): Promise<wire.TaskEvent> {
    for await (const { event } of this.watch(key)) if (event?.type === type) return event;
    throw new Error(`the stream ended without ${type}`);
  }

  /** Any call that changes something, in its plain form. */
  send(method: ChangingMethod, request: object): Promise<unknown> {
    const send = this.client[method].bind(this.client) as Parameters<typeof call<unknown, unknown>>[0];
    const codec = requests[method] as { fromPartial(fields: object): unknown };
    return this.ask(send, codec.fromPartial(request));
  }

  close(): void {
    this.client.close();
  }

  private ask<Request, Response>(
    method: Parameters<typeof call<Request, Response>>[0],
    request: Request,
  ): Promise<Response> {
    return call(method, request, { deadlineMs: 10_000 });
  }
}

/** Every method that changes something. */
const requests = {
  registerRunner: wire.RegisterRunnerRequest,
  createTask: wire.CreateTaskRequest,
  claimTask: wire.ClaimTaskRequest,
  renewLease: wire.RenewLeaseRequest,
  releaseLease: wire.ReleaseLeaseRequest,
  saveCheckpoint: wire.SaveCheckpointRequest,
  decideCommit: wire.DecideCommitRequest,
  updateStatus: wire.UpdateStatusRequest,
  appendEvents: wire.AppendEventsRequest,
  addArtifacts: wire.AddArtifactsRequest,
  reportResult: wire.ReportResultRequest,
  refuseTask: wire.RefuseTaskRequest,
  parkTask: wire.ParkTaskRequest,
  unparkTask: wire.UnparkTaskRequest,
  cancelTask: wire.CancelTaskRequest,
  retryTask: wire.RetryTaskRequest,
} as const;
export type ChangingMethod = keyof typeof requests;
export const changingMethods = Object.keys(requests) as ChangingMethod[];

export interface KeyAndToken {
  readonly key: TaskKey;
  readonly fencingToken: bigint;
}

export interface Held extends KeyAndToken {
  readonly granted: wire.ClaimTaskResponse_Granted;
}

let specs = 0;

/** A spec that no other test uses. */
export function newSpec(): string {
  specs += 1;
  return `spec-${process.pid}-${specs}`;
}

export function taskOf(spec: string, id: string, more: Partial<Task> = {}): Task {
  const repo_url = `https://git.example/${spec}.git`;
  return { task_id: id, spec_name: spec, title: `Task ${id}`, description: 'Do it', repo_url, ...more };
}

export function keyAndToken(task: Task, fencingToken: bigint): KeyAndToken {
  return { key: { specName: task.spec_name, taskId: task.task_id }, fencingToken };
}

export function resultOf(
  task: Task,
  status: TaskResult['status'],
  more: Partial<TaskResult> = {},
): TaskResult {
  return {
    schema_version: 1,
    task_id: task.task_id,
    spec_name: task.spec_name,
    run: 1,
    status,
    runner_id: 'runner-1',
    attempt: 1,
    attempts: 1,
    rounds: 1,
    branch: `feature/task-${task.spec_name}-${task.task_id}`,
    commit: null,
    tree: null,
    base_commit: null,
    pushed: false,
    files_changed: [],
    tests: [],
    artifacts: [],
    usage: { model: null, input_tokens: 0, cached_tokens: 0, output_tokens: 0, cost_usd: null, llm_calls: 0 },
    timings: {},
    queue_wait_ms: 1,
    started_at: null,
    finished_at: new Date().toISOString(),
    sandbox: 'full',
    error:
      status === 'done'
        ? null
        : { code: 'tests_failed', message: 'one test failed', stage: 'run_tests', retryable: false },
    trace_id: null,
    ...more,
  };
}

/** A made-up object id. */
export function hash(digit: string): string {
  return digit.repeat(40);
}

function sent({ key, fencingToken }: KeyAndToken): { key: wire.TaskKey; fencingToken: bigint } {
  return { key: { ...key }, fencingToken };
}
