import { createHash, randomUUID } from 'node:crypto';
import {
  formatKey,
  keyOf,
  noUsage,
  taskRegistry,
  type ArtifactRef,
  type ArtifactType,
  type Task,
  type TaskResult,
  type TerminalStatus,
} from '@necrocode/contracts';
import { call } from '@necrocode/rpc';
import type { SpecStack } from './spec-stack.js';

const options = { deadlineMs: 5_000 };

export interface Held {
  readonly task: Task;
  readonly run: number;
  readonly fencingToken: bigint;
}

/** Does towards the services what a runner does, for specs. */
export class SpecHand {
  constructor(private readonly stack: SpecStack) {}

  /** Undefined when the registry does not grant the task. */
  async claim(task: Task): Promise<Held | undefined> {
    const { registry } = this.stack;
    const request = taskRegistry.ClaimTaskRequest.fromPartial({
      runnerId: 'hand-1',
      taskJson: JSON.stringify(task),
      place: { queue: 'default', priority: 'normal' },
      leaseSeconds: 60,
    });
    const { granted } = await call(registry.claimTask.bind(registry), request, options);
    return granted?.lease && { task, run: granted.run, fencingToken: granted.lease.fencingToken };
  }

  async mustClaim(task: Task): Promise<Held> {
    const held = await this.claim(task);
    if (!held) throw new Error(`${task.task_id} was not granted`);
    return held;
  }

  async tell(held: Held, type: string, data: Readonly<Record<string, unknown>>): Promise<void> {
    const { registry } = this.stack;
    const events = [
      taskRegistry.TaskEvent.fromPartial({ type, time: new Date(), dataJson: JSON.stringify(data) }),
    ];
    await call(registry.appendEvents.bind(registry), { ...this.onBehalf(held), events }, options);
  }

  /** Stores content and notes it in the registry. */
  async store(held: Held, type: ArtifactType, name: string, content: Buffer): Promise<ArtifactRef> {
    const sha256 = createHash('sha256').update(content).digest('hex');
    const uri = await this.upload(held, type, name, content, sha256);
    const stored = { type, uri, size_bytes: content.length, sha256 };
    await this.note(held, stored);
    return stored;
  }

  /** Notes an artifact in the registry, whatever the store holds. */
  async note(held: Held, { type, uri, size_bytes: size, sha256 }: ArtifactRef): Promise<void> {
    const { registry } = this.stack;
    const artifacts = [{ type, uri, sizeBytes: BigInt(size), sha256 }];
    await call(registry.addArtifacts.bind(registry), { ...this.onBehalf(held), artifacts }, options);
  }

  async report(held: Held, status: TerminalStatus): Promise<void> {
    const { registry } = this.stack;
    const request = { ...this.onBehalf(held), resultJson: JSON.stringify(resultOf(held, status)) };
    await call(registry.reportResult.bind(registry), request, options);
  }

  private upload(held: Held, type: string, name: string, content: Buffer, sha256: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const stream = this.stack.store.upload((error, { artifact } = { artifact: undefined }) =>
        error ? reject(error) : resolve(artifact?.uri ?? ''),
      );
      const { specName, taskId } = keyOf(held.task);
      const header = {
        idempotencyKey: randomUUID(),
        fencingToken: held.fencingToken,
        specName,
        taskId,
        run: held.run,
        type,
        name,
        mediaType: 'text/plain',
        sizeBytes: BigInt(content.length),
        sha256,
        metadata: {},
      };
      stream.write({ header });
      stream.write({ chunk: content });
      stream.end();
    });
  }

  private onBehalf({ task, fencingToken }: Held) {
    return { idempotencyKey: randomUUID(), key: keyOf(task), fencingToken };
  }
}

function resultOf({ task, run }: Held, status: TerminalStatus): TaskResult {
  const failed = {
    code: 'tests_failed',
    message: `${formatKey(keyOf(task))} does not pass`,
    stage: 'run_tests',
  } as const;
  return {
    schema_version: 1,
    task_id: task.task_id,
    spec_name: task.spec_name,
    run,
    status,
    runner_id: 'hand-1',
    attempt: 1,
    attempts: 1,
    rounds: 1,
    branch: null,
    commit: null,
    tree: null,
    base_commit: null,
    pushed: false,
    files_changed: [],
    tests: [],
    artifacts: [],
    usage: noUsage,
    timings: { run_tests: 12 },
    queue_wait_ms: 1,
    started_at: new Date().toISOString(),
    finished_at: new Date().toISOString(),
    sandbox: 'none',
    error: status === 'done' ? null : { ...failed, retryable: false },
    trace_id: null,
  };
}
